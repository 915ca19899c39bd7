/** Takes a value out of the address's `#name=value` and out of the address bar: codes do not stay in the history. */
export function takeFragment(name: string): string {
  const value = new URLSearchParams(location.hash.slice(1)).get(name) ?? "";
  if (value) history.replaceState(history.state, "", location.pathname + location.search);
  return value;
}
