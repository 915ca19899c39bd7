import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, Program, until } from "./process";

/** A real Orthanc with DICOMweb, as Debian has it. */
export class Orthanc {
  #program: Program | null = null;
  private constructor(
    private readonly folder: string,
    readonly port: number,
  ) {}

  static async start(folder: string): Promise<Orthanc> {
    mkdirSync(folder, { recursive: true });
    const [port, dicom] = [await freePort(), await freePort()];
    const config = {
      Name: "e2e",
      StorageDirectory: join(folder, "db"),
      IndexDirectory: join(folder, "db"),
      HttpPort: port,
      DicomPort: dicom,
      RemoteAccessAllowed: false,
      AuthenticationEnabled: false,
      UnknownSopClassAccepted: true,
      HttpBindAddresses: ["127.0.0.1"],
      Plugins: ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
      DicomWeb: { Enable: true, Root: "/dicom-web/" },
    };
    writeFileSync(join(folder, "orthanc.json"), JSON.stringify(config));
    const orthanc = new Orthanc(folder, port);
    await orthanc.on();
    return orthanc;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/dicom-web`;
  }

  async on(): Promise<void> {
    this.#program = new Program("/usr/sbin/Orthanc", [join(this.folder, "orthanc.json")], join(this.folder, "log"), this.folder);
    await until("Orthanc answers", async () => (await fetch(`http://127.0.0.1:${this.port}/system`)).ok);
  }

  async off(): Promise<void> {
    await this.#program?.stop("SIGKILL");
    this.#program = null;
  }

  /** How many CT images of a study it holds (the request of the upload, a structured report, is one instance more). */
  async images(studyUid: string): Promise<number> {
    const body = JSON.stringify({ Level: "Instance", Query: { StudyInstanceUID: studyUid, Modality: "CT" } });
    const answer = await fetch(`http://127.0.0.1:${this.port}/tools/find`, { method: "POST", body });
    return ((await answer.json()) as unknown[]).length;
  }
}
