import { Outlet } from "react-router";
import Client from "./Client";

/** The set-up has no menu, but asks the box. */
export function SetupFrame() {
  return (
    <Client>
      <Outlet />
    </Client>
  );
}
