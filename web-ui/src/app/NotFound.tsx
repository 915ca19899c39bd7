import { Link } from "react-router";
import { useT } from "@/i18n/useT";
import { buttonClass } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Empty } from "@/ui/StateView";

export function NotFound() {
  const t = useT();
  return (
    <Page title={t("notfound.title")} documentTitle={t("notfound.title")}>
      <Empty
        title={t("notfound.text")}
        action={
          <Link to="/" className={buttonClass("primary")}>
            {t("notfound.home")}
          </Link>
        }
      />
    </Page>
  );
}
