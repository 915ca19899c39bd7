import { ChartColumn, FileText, Layers, type LucideIcon, ShieldCheck, Upload } from "lucide-react";
import type { Role } from "@/api/types";

export type Place = { to: string; label: string; Icon: LucideIcon; roles?: Role[] };

export const PLACES: Place[] = [
  { to: "/", label: "nav.upload", Icon: Upload, roles: ["clinician", "radiographer", "admin"] },
  { to: "/studies", label: "nav.studies", Icon: Layers },
  { to: "/dashboard", label: "nav.dashboard", Icon: ChartColumn },
  { to: "/reports", label: "nav.reports", Icon: FileText },
  { to: "/admin/users", label: "nav.admin", Icon: ShieldCheck, roles: ["admin"] },
];

export const placesOf = (role: Role) => PLACES.filter((place) => !place.roles || place.roles.includes(role));

/** Whether a page lies under a place. */
export const isAt = (to: string, pathname: string) =>
  to === "/" ? pathname === "/" || /^\/(metadata|progress|complete|upload)/.test(pathname) : pathname.startsWith(to.replace("/users", ""));
