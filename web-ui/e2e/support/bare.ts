/**
 * A loop that does nothing but hash and send what was chosen in the document's only input: three lanes, up to 16 MiB of whole files a request.
 * Written to be given to a page as text.
 */
export async function bareLoop(bearer: string): Promise<{ seconds: number; upload: string }> {
  const chosen = [...((document.querySelector("input") as HTMLInputElement).files ?? [])];
  const began = performance.now();
  const chunk = 1 << 20;
  const named = chosen.map((file, place) => ({ file_id: `b${place}`, name: file.name, size: file.size }));
  const total = chosen.reduce((sum, { size }) => sum + size, 0);
  const study_metadata = { patient_name: "BARE^LOOP", study_date: "2020-02-02", modality: "CT", service_level: "routine" };
  const init = await fetch("/api/v1/upload/init", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
    body: JSON.stringify({
      study_metadata,
      total_files: chosen.length,
      total_size_bytes: total,
      files: named,
      chunk_size: chunk,
      force_upload: true,
    }),
  });
  const { upload_id, upload_token } = await init.json();
  const parts = chosen.flatMap((file, place) =>
    Array.from({ length: Math.ceil(file.size / chunk) }, (_, index) => ({
      file_id: `b${place}`,
      chunk_index: index,
      part: file.size <= chunk ? file : file.slice(index * chunk, (index + 1) * chunk),
    })),
  );
  let next = 0;
  const lane = async () => {
    while (next < parts.length) {
      const pack: typeof parts = [];
      for (let bytes = 0; next < parts.length; next += 1) {
        const one = parts[next] as (typeof parts)[number];
        bytes += one.part.size;
        if (bytes > 16 * chunk) break;
        pack.push(one);
      }
      const manifest = await Promise.all(
        pack.map(async ({ file_id, chunk_index, part }) => {
          const digest = await crypto.subtle.digest("SHA-256", await part.arrayBuffer());
          const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
          return { file_id, chunk_index, size: part.size, sha256 };
        }),
      );
      const form = new FormData();
      form.append("manifest", JSON.stringify(manifest));
      form.append("data", new Blob(pack.map(({ part }) => part)), "data");
      await new Promise<void>((resolve, reject) => {
        const xhr = new XMLHttpRequest();
        xhr.open("POST", `/api/v1/upload/${upload_id}/batch`);
        xhr.setRequestHeader("X-Upload-Token", upload_token);
        xhr.onload = () => {
          const judged = xhr.status < 300 ? (JSON.parse(xhr.responseText) as { status: string }[]) : [];
          if (judged.length === pack.length && judged.every(({ status }) => status === "received")) resolve();
          else reject(new Error(xhr.responseText.slice(0, 500)));
        };
        xhr.onerror = () => reject(new Error("the line broke"));
        xhr.send(form);
      });
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  return { seconds: (performance.now() - began) / 1000, upload: upload_id };
}
