import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse } from "msw";
import { beforeEach, expect, test, vi } from "vitest";
import type { Study, StudyDelivery, StudyDetail } from "@/api/types";
import { show, signInAs } from "@/test/page";
import { answer, empty, refuse } from "@/test/server";
import { StudiesPage } from "./StudiesPage";
import { StudyPage } from "./StudyPage";

const delivery = (change: Partial<StudyDelivery> = {}): StudyDelivery => ({
  destination: "main",
  state: "delivered",
  done: 2,
  total: 2,
  next_try: null,
  error: null,
  proven_at: "2026-01-02T00:00:00Z",
  ...change,
});
const study = (change: Partial<Study> = {}): Study =>
  ({
    study_instance_uid: "1.2.3",
    patient_name: "DOE^JANE",
    patient_id: "P-1",
    study_date: "20260102",
    modalities: ["CT"],
    description: "Chest",
    source: "dicom",
    calling_ae: "CT1",
    service_level: "routine",
    instances: 2,
    bytes: 1000,
    received_at: "2026-01-02T00:00:00Z",
    complete: true,
    flags: [],
    deliveries: [delivery()],
    ...change,
  }) as Study;
const ROUTES = [
  { path: "/studies", element: <StudiesPage /> },
  { path: "/studies/:uid", element: <StudyPage /> },
];

let asked: URLSearchParams[] = [];

beforeEach(async () => {
  asked = [];
  await signInAs({ role: "radiographer" });
  answer("get", "/api/v1/destinations", []);
  answer("get", "/api/v1/studies", (({ url }: { url: URL }) => {
    asked.push(url.searchParams);
    const second = url.searchParams.get("cursor") === "c2";
    return {
      studies: second
        ? [study({ study_instance_uid: "9", patient_name: "LAST^ONE" })]
        : [
            study(),
            study({
              study_instance_uid: null,
              patient_name: null,
              received_at: "2026-01-03T00:00:00Z",
              deliveries: [delivery({ state: "retrying" }), delivery({ destination: "archive", state: "held" })],
            }),
          ],
      total: 3,
      next_cursor: second ? null : "c2",
    };
  }) as never);
});

test("one list of all that came in, where each stands, page by page", async () => {
  show(ROUTES, "/studies");
  expect(await screen.findByRole("link", { name: "DOE, JANE" })).toBeTruthy();
  expect(screen.getByText("delivered", { selector: "span" })).toBeTruthy();
  expect(screen.getByText("Cannot be read")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Show more" }));
  expect(await screen.findByRole("link", { name: "LAST, ONE" })).toBeTruthy();
});

test("filters stand in the address; what is searched for does not", async () => {
  let searched: unknown;
  answer("post", "/api/v1/studies/search", (({ body }: { body: unknown }) => {
    searched = body;
    return { studies: [], total: 0 };
  }) as never);
  const { router } = show(ROUTES, "/studies");
  await screen.findByRole("link", { name: "DOE, JANE" });
  await userEvent.selectOptions(await screen.findByLabelText("Modality"), "MR");
  await waitFor(() => expect(asked.at(-1)?.get("modality")).toBe("MR"));
  await userEvent.type(await screen.findByLabelText("Search"), "doe");
  await waitFor(() => expect(searched).toEqual({ modality: "MR", q: "doe", limit: 50 }));
  expect(router.state.location.search).toBe("?modality=MR");
  await userEvent.click(await screen.findByRole("button", { name: "Show everything" }));
  expect(await screen.findByRole("link", { name: "DOE, JANE" })).toBeTruthy();
  expect(router.state.location.search).toBe("");
});

test("an empty box says what will appear; a refusal can be retried", async () => {
  answer("get", "/api/v1/studies", { studies: [], total: 0 } as never);
  const first = show(ROUTES, "/studies");
  expect(await screen.findByText("No study yet")).toBeTruthy();
  first.unmount();
  refuse("get", "/api/v1/studies", 503, { title: "Not now", detail: "busy" });
  show(ROUTES, "/studies");
  expect(await screen.findByText("Not now")).toBeTruthy();
  answer("get", "/api/v1/studies", { studies: [study()], total: 1 } as never);
  await userEvent.click(await screen.findByRole("button", { name: "Retry" }));
  expect(await screen.findByRole("link", { name: "DOE, JANE" })).toBeTruthy();
});

test("a PACS that is away is said, since when, and that all is safe", async () => {
  const away = { name: "main", state: "down", since: "2026-01-02T00:00:00Z", queue: { studies: 3, instances: 9, bytes: 1, oldest: null } };
  answer("get", "/api/v1/destinations", [{ ...away }, { ...away, name: "archive", state: "up" }] as never);
  show(ROUTES, "/studies");
  expect((await screen.findByText(/All 3 studies are safe here/)).textContent).toMatch(/^main — Down since /);
});

const instance = (n: number, frames = 1) => ({
  sop_instance_uid: `1.${n}`,
  number: n,
  rows: 4,
  columns: 4,
  frames,
  sha256: "x",
  flags: [],
});
const DETAIL = {
  ...study({
    flags: ["other_version"],
    deliveries: [
      delivery({ state: "held", error: { code: "E23", detail: "refused", what_to_do: "Ask the PACS." }, proven_at: null }),
      delivery({ destination: "archive", state: "retrying", next_try: "2026-01-02T00:00:00Z" }),
    ] as never,
  }),
  series: [
    { series_instance_uid: "1.2.3.1", modality: "CT", number: 2, description: "Axial", instances: [instance(1), instance(2, 5)] },
    { series_instance_uid: "1.2.3.2", modality: "SR", number: 3, description: "Request", instances: [{ ...instance(3), rows: null }] },
  ],
} as unknown as StudyDetail;

test("a study: why it is held and what to do, tried again, overtaking, its proofs", async () => {
  answer("get", "/api/v1/studies/{uid}", DETAIL as never);
  answer(
    "get",
    "/api/v1/studies/{uid}/instances/{sop}/preview",
    (() => new HttpResponse(new Uint8Array(9), { headers: { "content-type": "image/png" } })) as never,
  );
  answer("get", "/api/v1/studies/{uid}/ledger", {
    entries: [
      {
        sop_instance_uid: "1.1",
        sha256: "ab",
        bytes: 9,
        accepted_at: "2026-01-02T00:00:00Z",
        source: "dicom",
        notes: [],
        deliveries: [
          {
            destination: "main",
            attempts: 2,
            answer: "ok",
            proof: "stow",
            proven_at: "2026-01-02T00:00:00Z",
            last_sent_at: null,
            state: "delivered",
          },
        ],
      },
      { sop_instance_uid: "1.2", sha256: "cd", bytes: 9, accepted_at: "2026-01-02T00:00:00Z", source: "dicom", notes: [], deliveries: [] },
    ],
    next_cursor: null,
  } as never);
  const retried = empty("post", "/api/v1/studies/{uid}/retry", 202);
  const urgent = empty("post", "/api/v1/studies/{uid}/priority", 202);
  show(ROUTES, "/studies/1.2.3");
  expect(await screen.findByText("Ask the PACS.")).toBeTruthy();
  expect(screen.getByText("Another version of an image is at the PACS")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Try again now" }));
  await waitFor(() => expect(retried.calls).toHaveLength(1));
  await userEvent.selectOptions(await screen.findByLabelText("Service level"), "stat");
  await waitFor(() => expect(urgent.calls[0]?.body).toEqual({ service_level: "stat" }));
  await userEvent.click(await screen.findByRole("button", { name: "Show the proof of every image" }));
  expect(await screen.findByText("named by the PACS")).toBeTruthy();
});

test("a series is shown by its middle image, in the window of its file", async () => {
  const [series] = DETAIL.series;
  const instances = ["1.1", "1.2", "1.3", "1.4", "1.5"].map((sop_instance_uid) => ({ ...series?.instances[0], sop_instance_uid }));
  answer("get", "/api/v1/studies/{uid}", { ...DETAIL, series: [{ ...series, instances }] } as never);
  answer("get", "/api/v1/studies/{uid}/instances/{sop}/preview", (({ url }: { url: URL }) => {
    expect(url.searchParams.has("wc")).toBe(false);
    return new HttpResponse(new Uint8Array(9), { headers: { "content-type": "image/png" } });
  }) as never);
  vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
  show(ROUTES, "/studies/1.2.3");
  expect(await screen.findByAltText("Image 3 of 5")).toBeTruthy();
  expect(screen.getByText("3/5")).toBeTruthy();
  expect(screen.getAllByText("–").length).toBeGreaterThan(1);
});

test("images: the next one, its frames, a window; what cannot be shown is said", async () => {
  const views: URLSearchParams[] = [];
  answer("get", "/api/v1/studies/{uid}", DETAIL as never);
  answer("get", "/api/v1/studies/{uid}/instances/{sop}/preview", (({ url, params }: { url: URL; params: Record<string, string> }) => {
    views.push(url.searchParams);
    views.at(-1)?.set("instance", params.sop ?? "");
    return new HttpResponse(new Uint8Array(9), { headers: { "content-type": "image/png" } });
  }) as never);
  vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
  show(ROUTES, "/studies/1.2.3");
  expect(await screen.findByAltText("Image 1 of 2")).toBeTruthy();
  expect(screen.getByText("1/2")).toBeTruthy();
  expect(screen.getByText(/^2 images \+ 1 document · /)).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: /Request/ }));
  expect(await screen.findByText(/A document without images/)).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: /Axial/ }));
  fireEvent.change(await screen.findByRole("slider", { name: /^Image/ }), { target: { value: "2" } });
  await waitFor(() => expect(views.at(-1)?.get("instance")).toBe("1.2"));
  fireEvent.change(screen.getByRole("slider", { name: /^Frame/ }), { target: { value: "4" } });
  await userEvent.click(await screen.findByRole("button", { name: "Lung" }));
  await waitFor(() =>
    expect([views.at(-1)?.get("frame"), views.at(-1)?.get("wc"), views.at(-1)?.get("ww")]).toEqual(["3", "-600", "1500"]),
  );
  refuse("get", "/api/v1/studies/{uid}/instances/{sop}/preview", 415, { detail: "MPEG-4" });
  await userEvent.click(await screen.findByRole("button", { name: "Bone" }));
  expect(await screen.findByText(/cannot be shown here/)).toBeTruthy();
});
