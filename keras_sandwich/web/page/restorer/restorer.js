// Restores, in the browser, the pictures of files that `keras_sandwich.encode_file` wrote.
//
//   import { restore } from "./restorer/restorer.js";
//   const picture = await restore(blob); // ImageData

import { DamagedFile, NotASandwichFile, OtherNetwork } from "./errors.js";
import { readFacts } from "./payload.js";
import { decodePixels, digestOf } from "./pixels.js";
import { ceilMultiple, stepsOf } from "./tiles.js";
import { Workers } from "./workers.js";

export { DamagedFile, NotASandwichFile, OtherNetwork };

const TILE = 768; // pixels of a window's result: more take memory, fewer are seen twice
const NO_NETWORK = "0".repeat(32);

export class Restorer {
  /** @type {Promise<Workers> | null} */ #workers = null;

  /**
   * @param {import("./restorer.js").Network} network
   * @param {{networkUrl: URL, runtimeUrl: URL, device?: "webgpu" | "wasm", workers?: number}} places
   */
  constructor(network, places) {
    this.network = network;
    this.places = places;
    this.device = places.device ?? null;
  }

  /** @param {import("./restorer.js").LoadOptions} [options] */
  static async load(options = {}) {
    const base = new URL("../", import.meta.url);
    const networkUrl = new URL(options.networkUrl ?? "network/", base);
    const runtimeUrl = new URL(options.runtimeUrl ?? "runtime/", base);
    const answer = await fetch(new URL("network.json", networkUrl));
    if (!answer.ok) throw new Error(`There is no network at ${networkUrl}.`);
    return new Restorer(await answer.json(), { ...options, networkUrl, runtimeUrl });
  }

  /** @param {Blob} blob */
  async read(blob) {
    return readFacts(new Uint8Array(await blob.arrayBuffer()));
  }

  /** Fetches the runtime and the network; `restore` does so itself. */
  async warmUp() {
    await (this.#workers ??= this.#start());
  }

  /**
   * @param {Blob} blob
   * @param {import("./restorer.js").RestoreOptions} [options]
   */
  async restore(blob, options = {}) {
    const { onProgress, signal, acceptAltered = false, tile = TILE } = options;
    const facts = await this.read(blob);
    this.require(facts);
    const [picture, workers] = await Promise.all([
      decodePixels(blob, this.network.bottleneckChannels),
      (this.#workers ??= this.#start()),
    ]);
    this.#requireSize(facts, picture);
    const digest = await digestOf(picture);
    facts.exact = digest === null ? null : digest === facts.pixels;
    if (!facts.unaltered && facts.exact !== true && !acceptAltered) {
      throw new DamagedFile("Its pixels are not those that were coded: it is damaged, or was edited or saved anew.");
    }
    const { factor, resamples } = this.network;
    const sizes = resamples
      ? [facts.height, facts.width]
      : [picture.height * factor, picture.width * factor];
    const rows = stepsOf(picture.height, sizes[0], tile, this.network);
    const columns = stepsOf(picture.width, sizes[1], tile, this.network);
    const restored = new ImageData(facts.width, facts.height);
    const count = rows.length * columns.length;
    let done = 0;
    onProgress?.(0, facts);
    workers.grow(count);
    const windows = rows.flatMap((row) => columns.map((column) => ({ row, column })));
    await Promise.all(windows.map(async ({ row, column }) => {
      const kept = {
        top: row.start,
        left: column.start,
        height: row.result[1] - row.result[0],
        width: column.result[1] - column.result[0],
      };
      const pixels = await workers.run(() => {
        signal?.throwIfAborted();
        return {
          samples: cut(picture, row.read, column.read),
          height: row.read[1] - row.read[0],
          width: column.read[1] - column.read[0],
          rows: row.weights,
          columns: column.weights,
          seen: [row.seen[1] - row.seen[0], column.seen[1] - column.seen[0]],
          kept,
          qstep: facts.qstep ?? this.network.qstep,
        };
      });
      put(restored, pixels, row.result[0], column.result[0], kept.width);
      onProgress?.(++done / count, facts);
    }));
    return restored;
  }

  /** @param {import("./restorer.js").Facts} facts */
  require(facts) {
    if (facts.network === this.network.fingerprint) return;
    const theirs = facts.network === NO_NETWORK ? "no network" : facts.preset ? `the network '${facts.preset}'` : "a network of somebody's own";
    throw new OtherNetwork(`It was written for ${theirs}, and this page has '${this.network.name}'.`);
  }

  /**
   * @param {import("./restorer.js").Facts} facts
   * @param {{width: number, height: number}} picture
   */
  #requireSize(facts, picture) {
    const { macroblock, factor } = this.network;
    const [height, width] = [facts.height, facts.width].map((size) => Math.floor(ceilMultiple(size, macroblock) / factor));
    if (picture.height !== height || picture.width !== width) {
      throw new DamagedFile(
        `A picture of ${facts.width}×${facts.height} pixels is coded as one of ${width}×${height}, and the file holds `
          + `one of ${picture.width}×${picture.height}: it was cut, turned or scaled.`,
      );
    }
  }

  async #start() {
    const device = this.places.device ?? ((await hasGpu()) ? "webgpu" : "wasm");
    const options = {
      runtimeUrl: this.places.runtimeUrl.href,
      modelUrl: new URL(this.network.file, this.places.networkUrl).href,
      network: this.network,
    };
    try {
      return await this.#started(device, options);
    } catch (error) {
      if (device === "wasm" || this.places.device) throw error;
      return this.#started("wasm", options); // a GPU that promises more than it holds
    }
  }

  /**
   * @param {"webgpu" | "wasm"} device
   * @param {Record<string, unknown>} options
   */
  async #started(device, options) {
    const workers = new Workers(device);
    await workers.start(options, this.places.workers);
    this.device = device;
    return workers;
  }

  /** Ends the workers and frees what they hold. */
  async close() {
    (await this.#workers)?.stop();
    this.#workers = null;
  }
}

/** @type {Promise<Restorer> | null} */
let shared = null;

/**
 * @param {Blob} blob
 * @param {import("./restorer.js").RestoreOptions} [options]
 */
export async function restore(blob, options) {
  return (await (shared ??= Restorer.load())).restore(blob, options);
}

async function hasGpu() {
  const gpu = /** @type {any} */ (navigator).gpu;
  return Boolean(await gpu?.requestAdapter().catch(() => null));
}

/**
 * @param {{width: number, channels: number, samples: Uint8Array}} picture
 * @param {[number, number]} rows
 * @param {[number, number]} columns
 */
function cut({ width, channels, samples }, rows, columns) {
  const across = (columns[1] - columns[0]) * channels;
  const window = new Uint8Array((rows[1] - rows[0]) * across);
  for (let row = rows[0]; row < rows[1]; row++) {
    const from = (row * width + columns[0]) * channels;
    window.set(samples.subarray(from, from + across), (row - rows[0]) * across);
  }
  return window;
}

/**
 * Puts a window's pixels in their place; what lies beyond the picture is left out.
 * @param {ImageData} picture
 * @param {Uint8ClampedArray} pixels
 * @param {number} top
 * @param {number} left
 * @param {number} width
 */
function put(picture, pixels, top, left, width) {
  const across = Math.min(width, picture.width - left);
  const rows = Math.min(pixels.length / (4 * width), picture.height - top);
  if (across <= 0) return;
  for (let row = 0; row < rows; row++) {
    const line = pixels.subarray(row * width * 4, (row * width + across) * 4);
    picture.data.set(line, ((top + row) * picture.width + left) * 4);
  }
}
