import { loadBlobs } from "@/store/files";
import { deleteJobFiles, type Job, listJobs, ownerOf, saveJob } from "@/store/job";
import { loadSession } from "@/store/session";
import { Runner } from "./engine/runner";
import { fetchTransport } from "./engine/transport";
import { lockName } from "./protocol";

/** A service worker is given a few minutes at most: less than that, then the browser calls again. */
const BUDGET_MS = 120_000;

/** Goes on with uploads while no page is open. Throws when something is left, so that the browser tries again. */
export async function syncUploads(): Promise<void> {
  const session = await loadSession();
  if (!session) return;
  await navigator.locks.request(lockName(session.userId), { ifAvailable: true }, async (lock) => {
    // A page has the lock: it uploads itself.
    if (!lock) return;
    const stop = AbortSignal.timeout(BUDGET_MS);
    const jobs = (await listJobs(session.userId)).filter(
      ({ state, upload }) => upload && ["queued", "sending", "waiting", "completing"].includes(state.kind),
    );
    for (const job of jobs) {
      const runner = new Runner(job, depsOf(job), stop);
      await runner.run();
      if (job.state.kind === "done") await deleteJobFiles(job);
    }
    if (stop.aborted) throw new Error("not everything is sent yet");
  });
}

function depsOf(job: Job): ConstructorParameters<typeof Runner>[1] {
  return {
    transport: fetchTransport,
    blobs: (fileIds) => loadBlobs(job.userId, ownerOf(job), fileIds),
    save: saveJob,
    // No page, no access token: the job's own token has to do.
    token: async () => null,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    now: Date.now,
    random: Math.random,
    changed: () => undefined,
    lanes: 1,
  };
}
