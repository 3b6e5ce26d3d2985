// Saves a document that does not fit into one answer: fetches it in parts, checks the whole against the hash that the
// page names, and hands it to the browser. Says what happens in the page's status line.
"use strict";

const status = document.getElementById("status");

async function load(link) {
  const bytes = Number(link.dataset.bytes);
  const whole = new Uint8Array(bytes);
  for (let from = 0; from < bytes; ) {
    const answer = await fetch(link.href, {
      cache: "no-store",
      headers: { Range: `bytes=${from}-${bytes - 1}` },
    });
    if (answer.status !== 206) throw new Error(`status ${answer.status}`);
    const part = new Uint8Array(await answer.arrayBuffer());
    if (part.length === 0 || from + part.length > bytes) throw new Error("a part of another length");
    whole.set(part, from);
    from += part.length;
    status.textContent = `${link.dataset.loading}: ${Math.floor((100 * from) / bytes)} %`;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hash !== link.dataset.sha256) throw new Error("another document");
  return new Blob([whole], { type: link.dataset.type });
}

for (const link of document.querySelectorAll("a[data-bytes]")) {
  let busy = false;
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    status.textContent = link.dataset.loading;
    try {
      const save = document.createElement("a");
      save.href = URL.createObjectURL(await load(link));
      save.download = link.download;
      save.click();
      setTimeout(() => URL.revokeObjectURL(save.href), 60000);
      status.textContent = link.dataset.loaded;
    } catch {
      status.textContent = link.dataset.failed;
    }
    busy = false;
  });
}
