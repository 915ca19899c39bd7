import { useLingui } from "@lingui/react";
import { useZone } from "./zone";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** Formats are dear to make, and hundreds of rows use the same: each is made once. */
const made = new Map<string, unknown>();

function once<F, O>(Kind: new (locale: string, options?: O) => F, locale: string, options?: O): F {
  const key = `${Kind.name} ${locale} ${JSON.stringify(options)}`;
  const format = (made.get(key) as F | undefined) ?? new Kind(locale, options);
  made.set(key, format);
  return format;
}

const unitFormat = (locale: string, unit: string, digits?: number): Intl.NumberFormat =>
  once(Intl.NumberFormat, locale, {
    style: "unit",
    unit,
    // Short, English has no plural: "0 byte".
    unitDisplay: unit === "byte" ? "long" : "short",
    ...(digits === undefined ? {} : { maximumFractionDigits: digits }),
  });

/** Bytes, or bytes a second, in decimal units, as disks and lines are sold, in the language's own letters: `1.2 MB`, `1,2 Mo`. */
export function bytes(value: number, locale: string, per: "" | "-per-second" = ""): string {
  let size = Math.max(0, value);
  let unit = 0;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return unitFormat(locale, `${UNITS[unit] ?? "byte"}${per}`, digits).format(size);
}

/** Seconds as people say them: `12 s`, `3 min`, `2 h 5 min`. */
export function duration(seconds: number, locale: string): string {
  const part = (value: number, unit: string) => unitFormat(locale, unit, 0).format(value);
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return part(whole, "second");
  if (whole < 3600) return part(Math.round(whole / 60), "minute");
  if (whole < 86_400) return `${part(Math.floor(whole / 3600), "hour")} ${part(Math.floor((whole % 3600) / 60), "minute")}`;
  return `${part(Math.floor(whole / 86_400), "day")} ${part(Math.floor((whole % 86_400) / 3600), "hour")}`;
}

/** A moment of the box (RFC 3339) in a time zone; without one in the viewer's. Not for DICOM dates: those are never shifted. */
export function moment(iso: string, locale: string, style: "full" | "short" | "time" = "short", timeZone?: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const zone = timeZone ? { timeZone } : {};
  if (style === "time")
    return once(Intl.DateTimeFormat, locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", ...zone }).format(date);
  return once(
    Intl.DateTimeFormat,
    locale,
    style === "full" ? { dateStyle: "long", timeStyle: "medium", ...zone } : { dateStyle: "medium", timeStyle: "short", ...zone },
  ).format(date);
}

/** "3 minutes ago"; after a week the date. */
export function ago(iso: string, locale: string, now: number, timeZone?: string): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const format = once(Intl.RelativeTimeFormat, locale, { numeric: "auto" });
  const size = Math.abs(seconds);
  if (size < 45) return format.format(0, "second");
  if (size < 2700) return format.format(Math.round(seconds / 60), "minute");
  if (size < 64_800) return format.format(Math.round(seconds / 3600), "hour");
  if (size < 604_800) return format.format(Math.round(seconds / 86_400), "day");
  return moment(iso, locale, "short", timeZone);
}

/** A DICOM date (`YYYYMMDD` or `YYYY-MM-DD`), as a calendar day without a zone. What is no date comes back as it is. */
export function dicomDate(
  value: string | null | undefined,
  locale: string,
  style: Intl.DateTimeFormatOptions = { dateStyle: "medium" },
): string {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(value ?? "");
  if (!match) return value ?? "";
  const day = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])));
  return once(Intl.DateTimeFormat, locale, { ...style, timeZone: "UTC" }).format(day);
}

/** A DICOM person name for reading: `DOE^JOHN=…` → `DOE, JOHN`. */
export function personName(value: string | null | undefined): string {
  const alphabetic = (value ?? "").split("=").find((group) => group.trim() !== "") ?? "";
  const [family = "", given = "", middle = ""] = alphabetic.split("^").map((part) => part.trim());
  const rest = [given, middle].filter(Boolean).join(" ");
  return rest && family ? `${family}, ${rest}` : family || rest;
}

/** The page's language as the reader's country writes it: `en` with a browser set to `en-GB` is `en-GB`. */
export function regional(language: string, languages: readonly string[]): string {
  return languages.find((tag) => tag.toLowerCase().startsWith(`${language}-`)) ?? language;
}

export type Format = {
  locale: string;
  bytes: (value: number) => string;
  /** Bytes a second. */
  rate: (value: number) => string;
  milliseconds: (value: number) => string;
  /** Several names as one says them. */
  list: (names: readonly string[]) => string;
  duration: (seconds: number) => string;
  moment: (iso: string, style?: "full" | "short" | "time") => string;
  ago: (iso: string, now?: number) => string;
  dicomDate: (value: string | null | undefined) => string;
  /** Day and month, for axes. */
  day: (value: string) => string;
  number: (value: number, options?: Intl.NumberFormatOptions) => string;
};

/** The formats above in the current language. */
export function useFormat(): Format {
  const { i18n } = useLingui();
  const zone = useZone();
  const locale = regional(i18n.locale, navigator.languages ?? []);
  return {
    locale,
    bytes: (value) => bytes(value, locale),
    rate: (value) => bytes(value, locale, "-per-second"),
    milliseconds: (value) => unitFormat(locale, "millisecond").format(value),
    list: (names) => once(Intl.ListFormat, locale, { type: "unit" }).format(names),
    duration: (seconds) => duration(seconds, locale),
    moment: (iso, style) => moment(iso, locale, style, zone),
    ago: (iso, now = Date.now()) => ago(iso, locale, now, zone),
    dicomDate: (value) => dicomDate(value, locale),
    day: (value) => dicomDate(value, locale, { day: "numeric", month: "short" }),
    number: (value, options) => once(Intl.NumberFormat, locale, options).format(value),
  };
}
