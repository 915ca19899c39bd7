import { expect, test } from "vitest";
import { saveJob } from "@/store/job";
import { MemoryBox } from "@/test/box";
import { jobOf } from "@/test/job";
import { Keeper } from "./keeper";
import { Uploader } from "./uploader";

const JOB = jobOf("uploader", { kind: "queued" });

test.each([
  ["open, then started", ["open", "start"]],
  ["started, then opened", ["start", "open"]],
])("a job that is started while the kept ones are read runs once: %s", async (_, order) => {
  await saveJob(JOB);
  const box = new MemoryBox();
  let state = "";
  const uploader = new Uploader(JOB.userId, box.transport, new Keeper(() => undefined).copier, (report) => {
    if (report.type === "need_token") void uploader.hear({ type: "token", token: "access" });
    if (report.type === "jobs") state = report.jobs[0]?.state.kind ?? "";
  });
  const steps = { open: () => uploader.open(), start: () => uploader.hear({ type: "start", jobId: JOB.id }) };
  await Promise.all(order.map((step) => steps[step as keyof typeof steps]()));
  // Its file is nowhere: it fails after the box has been told of it.
  await expect.poll(() => state, { timeout: 30_000 }).toBe("failed");
  expect(box.requests.filter(({ url }) => url === "upload/init")).toHaveLength(1);
});
