import { Navigate, type RouteObject } from "react-router";
import { LoginPage } from "@/features/auth/LoginPage";
import { ChunkError } from "./ChunkError";
import { Guard, Only } from "./Guard";

// Pages come when they are opened; only sign-in is in the entry.
export const routes: RouteObject[] = [
  {
    errorElement: <ChunkError />,
    HydrateFallback: () => null,
    children: [
      { path: "/login", element: <LoginPage /> },
      {
        lazy: async () => ({ Component: (await import("./SetupFrame")).SetupFrame }),
        children: [{ path: "/setup", lazy: async () => ({ Component: (await import("@/features/setup/SetupPage")).SetupPage }) }],
      },
      {
        element: <Guard />,
        children: [
          {
            errorElement: <ChunkError framed />,
            children: [
              {
                element: <Only roles={["clinician", "radiographer", "admin"]} elsewhere="/studies" />,
                children: [
                  { path: "/", lazy: async () => ({ Component: (await import("@/features/upload/ChoosePage")).ChoosePage }) },
                  {
                    path: "/metadata/:draft",
                    lazy: async () => ({ Component: (await import("@/features/upload/MetadataPage")).MetadataPage }),
                  },
                  {
                    path: "/upload-new/:draft?",
                    lazy: async () => ({ Component: (await import("@/features/upload/WizardPage")).WizardPage }),
                  },
                  {
                    path: "/progress/:id",
                    lazy: async () => ({ Component: (await import("@/features/upload/ProgressPage")).ProgressPage }),
                  },
                ],
              },
              { path: "/upload", element: <Navigate to="/" replace /> },
              { path: "/complete/:id", lazy: async () => ({ Component: (await import("@/features/upload/CompletePage")).CompletePage }) },
              { path: "/studies", lazy: async () => ({ Component: (await import("@/features/studies/StudiesPage")).StudiesPage }) },
              { path: "/studies/:uid", lazy: async () => ({ Component: (await import("@/features/studies/StudyPage")).StudyPage }) },
              { path: "/dashboard", lazy: async () => ({ Component: (await import("@/features/dashboard/DashboardPage")).DashboardPage }) },
              { path: "/reports", lazy: async () => ({ Component: (await import("@/features/reports/ReportsPage")).ReportsPage }) },
              { path: "/reports/:id", lazy: async () => ({ Component: (await import("@/features/reports/ReportPage")).ReportPage }) },
              {
                path: "/notifications",
                lazy: async () => ({ Component: (await import("@/features/notifications/NotificationsPage")).NotificationsPage }),
              },
              { path: "/settings", lazy: async () => ({ Component: (await import("@/features/settings/SettingsPage")).SettingsPage }) },
              {
                element: <Only roles={["admin"]} />,
                children: [
                  { path: "/admin", element: <Navigate to="/admin/users" replace /> },
                  { path: "/admin/:tab", lazy: async () => ({ Component: (await import("@/features/admin/AdminPage")).AdminPage }) },
                ],
              },
              { path: "*", lazy: async () => ({ Component: (await import("./NotFound")).NotFound }) },
            ],
          },
        ],
      },
    ],
  },
];
