import { Link, Navigate, useParams } from "react-router";
import { useT } from "@/i18n/useT";
import { Page } from "@/ui/Page";
import { AuditTab } from "./AuditTab";
import { DestinationsTab } from "./DestinationsTab";
import { ModalitiesTab } from "./ModalitiesTab";
import { SystemTab } from "./SystemTab";
import { UsersTab } from "./UsersTab";

const TABS = { users: UsersTab, destinations: DestinationsTab, modalities: ModalitiesTab, audit: AuditTab, system: SystemTab } as const;
type TabName = keyof typeof TABS;

/** What an administrator looks after. */
export function AdminPage() {
  const t = useT();
  const { tab = "" } = useParams();
  if (!(tab in TABS)) return <Navigate to="/admin/users" replace />;
  const Tab = TABS[tab as TabName];
  return (
    <Page title={t("admin.title")} documentTitle={t("admin.title")}>
      <nav aria-label={t("admin.title")} className="flex flex-wrap gap-1 rounded-xl bg-sunken p-1">
        {Object.keys(TABS).map((name) => (
          <Link
            key={name}
            to={`/admin/${name}`}
            aria-current={name === tab ? "page" : undefined}
            className={`inline-flex min-h-11 items-center rounded-lg px-4 text-sm font-medium lg:pointer-fine:min-h-9 ${name === tab ? "bg-surface text-text shadow-sm ring-1 ring-edge" : "text-muted hover:text-text"}`}
          >
            {t(`admin.${name}`)}
          </Link>
        ))}
      </nav>
      <Tab />
    </Page>
  );
}
