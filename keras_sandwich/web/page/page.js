// The page: takes a file, shows it as it is, restores it, and says what it says about itself.

import { DamagedFile, NotASandwichFile, OtherNetwork, Restorer } from "./restorer/restorer.js";

const SHOWN = 4096; // pixels a side of what is shown, at most; what is saved has them all
const DEVICES = { webgpu: "WebGPU", wasm: "WebAssembly" };

/** @param {string} id */
const at = (id) => /** @type {any} */ (document.getElementById(id));

/** @type {Restorer} */ let restorer;
/** @type {AbortController | null} */ let running = null;
/** @type {{name: string, picture: ImageData} | null} */ let restored = null;

/**
 * @param {Blob} blob
 * @param {string} name
 * @param {boolean} [acceptAltered]
 */
async function open(blob, name, acceptAltered = false) {
  running?.abort();
  const control = (running = new AbortController());
  restored = null;
  for (const id of ["message", "save", "progress", "anyway", "result"]) at(id).hidden = true;
  try {
    const facts = await restorer.read(blob);
    restorer.require(facts);
    at("name").textContent = name;
    at("pictures").classList.add("waiting");
    await showBefore(blob, facts);
    if (control.signal.aborted) return;
    showFacts(facts);
    at("about").hidden = true;
    at("result").hidden = false;
    at("progress").hidden = false;
    progress(null);
    const started = performance.now();
    const picture = await restorer.restore(blob, {
      acceptAltered,
      signal: control.signal,
      onProgress: (part, more) => {
        if (control.signal.aborted) return;
        showFacts(more);
        progress(part);
      },
    });
    if (control.signal.aborted) return;
    const seconds = (performance.now() - started) / 1000;
    restored = { name, picture };
    await showAfter(picture);
    at("save").hidden = false;
    at("device").textContent = `, on ${DEVICES[/** @type {"wasm"} */ (restorer.device)]}`;
    document.body.dataset.done = name;
    document.body.dataset.seconds = seconds.toFixed(2);
  } catch (error) {
    if (!control.signal.aborted) explain(error, blob, name);
  } finally {
    if (running === control) at("progress").hidden = true;
  }
}

/** @param {number | null} part */
function progress(part) {
  at("done").value = part ?? 0;
  if (part === null) at("done").removeAttribute("value");
  at("doing").textContent = part === null ? "Fetching the network" : `Restoring, ${Math.round(100 * part)} %`;
}

/**
 * @param {unknown} error
 * @param {Blob} blob
 * @param {string} name
 */
function explain(error, blob, name) {
  const title =
    error instanceof NotASandwichFile ? "This is not a sandwich file"
    : error instanceof DamagedFile ? "This file is broken"
    : error instanceof OtherNetwork ? "This file is for another network"
    : "It could not be restored";
  const words = error instanceof Error ? error.message : String(error);
  const message = at("message");
  message.querySelector("strong").textContent = title;
  message.querySelector("p").textContent = `${name}: ${words}`;
  message.hidden = false;
  const altered = error instanceof DamagedFile && words.startsWith("Its pixels");
  at("anyway").hidden = !altered;
  at("anyway").onclick = () => open(blob, name, true);
  at("result").hidden = true;
}

/**
 * The picture as any viewer shows it, at the restored picture's size.
 * @param {Blob} blob
 * @param {{width: number, height: number}} facts
 */
async function showBefore(blob, { width, height }) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new DamagedFile("The browser cannot decode it: it is damaged, or of a format that this browser does not know.");
  }
  const [shownWidth, shownHeight] = shownSize(width, height);
  for (const id of ["before", "after"]) Object.assign(at(id), { width: shownWidth, height: shownHeight });
  at("pictures").style.setProperty("--width", shownWidth);
  at("pictures").style.setProperty("--height", shownHeight);
  const context = at("before").getContext("2d");
  // Macroblocks may reach beyond the picture; a smaller bottleneck is enlarged.
  const scale = Math.max(1, Math.round(width / bitmap.width)) * (shownWidth / width);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, bitmap.width * scale, bitmap.height * scale);
  bitmap.close();
  at("after").getContext("2d").drawImage(at("before"), 0, 0);
}

/** @param {ImageData} picture */
async function showAfter(picture) {
  const [width, height] = shownSize(picture.width, picture.height);
  const bitmap = await createImageBitmap(picture, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
  at("after").getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  at("pictures").classList.remove("waiting");
}

/**
 * @param {number} width
 * @param {number} height
 */
function shownSize(width, height) {
  const scale = Math.min(1, SHOWN / Math.max(width, height));
  return [width, height].map((size) => Math.max(1, Math.round(size * scale)));
}

/** @param {import("./restorer/restorer.js").Facts} facts */
function showFacts(facts) {
  const { class: codec, ...settings } = facts.settings;
  const listed = Object.entries(settings).map(([name, value]) => `${name.replaceAll("_", " ")} ${typeof value === "object" ? "…" : value}`);
  const bits = (8 * facts.bytes) / (facts.width * facts.height);
  /** @type {[string, string, string?][]} */
  const rows = [
    ["File", `${facts.format}, ${bytes(facts.bytes)}`],
    ["Restored picture", `${facts.width} × ${facts.height}`],
    ["Bits per pixel", bits.toFixed(3)],
    ["Codec", [codec, ...listed].join(", ")],
    ["Network", (facts.preset ?? facts.network.slice(0, 8)).replaceAll("_", "_\u200b")],
    ...(facts.qstep === null ? [] : [/** @type {[string, string]} */ (["Quantizer step", String(facts.qstep)])]),
    ["Written with", facts.library],
    ["Bytes", facts.unaltered ? "as they were written" : "changed since it was written", facts.unaltered ? "good" : "bad"],
  ];
  if (facts.exact !== undefined && facts.exact !== null) {
    rows.push(["Decoded pixels", facts.exact ? "those that were coded" : "differ a little: this browser's decoder is another one", facts.exact ? "good" : ""]);
  }
  if (facts.holds) rows.push(["Holds", facts.holds]);
  if (facts.values) rows.push(["Values", `${facts.values}; shown as levels`]);
  if (facts.hasProfile) rows.push(["Colours", "with a profile; shown as sRGB"]);
  at("facts").replaceChildren(
    ...rows.map(([term, words, kind]) => {
      const row = document.createElement("div");
      const [name, value] = [document.createElement("dt"), document.createElement("dd")];
      name.textContent = term;
      value.textContent = words;
      if (kind) value.className = kind;
      row.append(name, value);
      return row;
    }),
  );
}

/** @param {number} count */
function bytes(count) {
  return count < 1e3 ? `${count} bytes` : count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;
}

async function save() {
  if (!restored) return;
  const { name, picture } = restored;
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(picture, 0, 0);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await canvas.convertToBlob({ type: "image/png" }));
  link.download = `${name.replace(/\.[^.]*$/, "")}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
}

async function showSamples() {
  const answer = await fetch("samples/samples.json");
  const names = answer.ok ? await answer.json() : [];
  const row = at("samples").querySelector(".sample-row");
  for (const name of names) {
    const button = document.createElement("button");
    button.type = "button";
    const image = document.createElement("img");
    image.src = `samples/${encodeURIComponent(name)}`;
    image.alt = `Restore ${name}`;
    button.append(image);
    button.onclick = async () => open(await (await fetch(image.src)).blob(), name);
    row.append(button);
  }
  at("samples").hidden = !names.length;
}

function listen() {
  at("file").onchange = () => {
    const [file] = at("file").files;
    if (file) open(file, file.name);
    at("file").value = "";
  };
  at("split").oninput = () => at("pictures").style.setProperty("--split", `${at("split").value}%`);
  at("zoom").onclick = () => {
    const full = at("stage").classList.toggle("full");
    at("zoom").setAttribute("aria-pressed", String(full));
    at("zoom").textContent = full ? "Fit the page" : "Full size";
  };
  at("save").onclick = save;
  at("stop").onclick = () => {
    running?.abort();
    at("progress").hidden = true;
  };
  let depth = 0; // of what the pointer entered and did not leave
  const drag = (/** @type {number} */ change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dragged", depth > 0);
  };
  addEventListener("dragenter", () => drag(1));
  addEventListener("dragleave", () => drag(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    drag(-depth);
    const file = event.dataTransfer?.files[0];
    if (file) open(file, file.name);
  });
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) open(file, file.name || "pasted picture");
  });
}

try {
  restorer = await Restorer.load();
  at("network").textContent = `Network: ${restorer.network.name}. ${restorer.network.description}`;
  listen();
  await showSamples();
  document.body.dataset.ready = "yes";
} catch (error) {
  at("message").querySelector("strong").textContent = "The page is not whole";
  at("message").querySelector("p").textContent = error instanceof Error ? error.message : String(error);
  at("message").hidden = false;
}
