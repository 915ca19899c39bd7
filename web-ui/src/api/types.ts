import type { components } from "./schema";

type Schemas = components["schemas"];

export type User = Schemas["UserResponse"];
export type Role = User["role"];
export type Preferences = Schemas["Preferences"];
export type Study = Schemas["Study"];
export type StudyDetail = Schemas["StudyDetail"];
export type StudyDelivery = Schemas["StudyDelivery"];
export type Destination = Schemas["Destination"];
export type Modality = Schemas["Modality"];
export type System = Schemas["System"];
export type Report = Schemas["Report"];
export type ReportStatus = Report["status"];
export type Notification = Schemas["Notification"];
export type UploadStatus = Schemas["UploadStatusResponse"];
export type Stats = Schemas["Stats"];
export type Trend = Schemas["Trend"];
