import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A small real disk, for which one must be root and allowed to mount. */
export class SmallDisk {
  private constructor(
    readonly folder: string,
    private readonly image: string,
  ) {}

  /** Null where it cannot be mounted. */
  static mount(mib: number): SmallDisk | null {
    const folder = mkdtempSync(join(tmpdir(), "relaypacs-e2e-disk-"));
    const image = `${folder}.img`;
    try {
      execFileSync("truncate", ["-s", `${mib}M`, image]);
      execFileSync("mkfs.ext4", ["-q", image], { stdio: "ignore" });
      execFileSync("mount", ["-o", "loop", image, folder], { stdio: "ignore" });
      return new SmallDisk(folder, image);
    } catch {
      rmSync(folder, { recursive: true, force: true });
      rmSync(image, { force: true });
      return null;
    }
  }

  /** Leaves no byte of room. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.folder);
    try {
      writeFileSync(join(this.folder, "filler"), Buffer.alloc(bavail * bsize));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }

  clear(): void {
    rmSync(join(this.folder, "filler"));
  }

  off(): void {
    execFileSync("umount", [this.folder]);
    rmSync(this.folder, { recursive: true });
    rmSync(this.image);
  }
}
