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
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      picked.push({ file, name: entry.fullPath.replace(/^\//, "") });
      if (picked.length % 100 === 0) found(picked.length);
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const children = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (children.length === 0) return;
      await Promise.all(children.map(walk));
    }
  };
  for (const entry of entries) await walk(entry);
  found(picked.length);
  return picked;
}

/** A name for a file inside one upload: `[A-Za-z0-9._-]{1,64}`, the same for the same place. */
export const fileIdOf = (place: number) => `f${String(place + 1).padStart(6, "0")}`;
