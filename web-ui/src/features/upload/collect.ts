/** A file that was chosen, with its path inside the folder that was dropped. */
export type Picked = { file: File; name: string };

const SYSTEM_FILES = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|__MACOSX\/.*|\._[^/]*)$/i;

/** What computers put into folders by themselves; nobody wants to read about it. */
export const isSystemFile = (name: string) => SYSTEM_FILES.test(name);

export function fromInput(list: FileList | null): Picked[] {
  return [...(list ?? [])].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
}

/** Everything in a drop, folders walked through. Must be called while the event is handled: entries are gone afterwards. */
export async function fromDrop(data: DataTransfer, found: (count: number) => void): Promise<Picked[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return fromInput(data.files);
  const picked: Picked[] = [];
  const walk = async (entries: FileSystemEntry[]): Promise<void> => {
    const files = entries.filter((entry) => entry.isFile) as FileSystemFileEntry[];
    for (let start = 0; start < files.length; start += FILES_AT_ONCE) {
      picked.push(...(await Promise.all(files.slice(start, start + FILES_AT_ONCE).map(fileOf))));
      found(picked.length);
    }
    for (const entry of entries) {
      if (!entry.isDirectory) continue;
      const reader = (entry as FileSystemDirectoryEntry).createReader();
      for (let children = await readSome(reader); children.length > 0; children = await readSome(reader)) await walk(children);
    }
  };
  await walk(entries);
  return picked;
}

/** The browser makes files on the page's own thread and answers all that was asked in one go: with thousands the page would stand still. */
const FILES_AT_ONCE = 50;

const fileOf = async (entry: FileSystemFileEntry): Promise<Picked> => ({
  file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)),
  name: entry.fullPath.replace(/^\//, ""),
});

const readSome = (reader: FileSystemDirectoryReader) =>
  new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));

/** A name for a file inside one upload: `[A-Za-z0-9._-]{1,64}`, the same for the same place. */
export const fileIdOf = (place: number) => `f${String(place + 1).padStart(6, "0")}`;
