import { useT } from "@/i18n/useT";
import { Page } from "@/ui/Page";
import { DeviceSection } from "./DeviceSection";
import { ExportSection } from "./ExportSection";
import { PasswordSection } from "./PasswordSection";
import { PreferencesSection } from "./PreferencesSection";
import { ProfileSection } from "./ProfileSection";
import { SessionsSection } from "./SessionsSection";
import { TotpSection } from "./TotpSection";

export function SettingsPage() {
  const t = useT();
  return (
    <Page title={t("settings.title")} documentTitle={t("settings.title")} narrow>
      <ProfileSection />
      <PreferencesSection />
      <PasswordSection />
      <TotpSection />
      <SessionsSection />
      <DeviceSection />
      <ExportSection />
    </Page>
  );
}
