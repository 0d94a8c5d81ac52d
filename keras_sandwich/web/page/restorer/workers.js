// The workers that share a picture's windows: one that has a GPU, or several on the processor's cores.

const MOST = 4; // each holds the network and a window's features

export class Workers {
  /** @type {Worker[]} */ #idle = [];
  /** @type {Worker[]} */ #all = [];
  /** @type {((worker: Worker) => void)[]} */ #waiting = [];
  #ids = 0;
  #more = 0; // workers that may still start
  /** @type {Record<string, unknown>} */ #options = {};

  /** @param {string} device "webgpu" or "wasm" */
  constructor(device) {
    this.device = device;
  }

  /**
   * @param {Record<string, unknown>} options what the worker's `load` is told
   * @param {number} [count]
   */
  async start(options, count) {
    const cores = navigator.hardwareConcurrency || 2;
    const most = this.device === "webgpu" ? 1 : Math.max(1, Math.min(MOST, count ?? cores - 1));
    // The first alone: the others take the files from the cache.
    await this.#add(options);
    this.#more = most - 1;
    this.#options = options;
  }

  /** @param {Record<string, unknown>} options */
  async #add(options) {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#all.push(worker);
    await ask(worker, { kind: "load", device: this.device, ...options });
    this.#release(worker);
  }

  /** @param {Worker} worker */
  #release(worker) {
    const next = this.#waiting.shift();
    if (next) next(worker);
    else this.#idle.push(worker);
  }

  /**
   * Starts more workers where there are several windows.
   * @param {number} windows
   */
  grow(windows) {
    const more = Math.min(this.#more, windows - this.#all.length);
    for (let n = 0; n < more; n++) {
      this.#more -= 1;
      this.#add(this.#options).catch(() => {}); // as many as there is memory for
    }
  }

  /**
   * One window, which is cut out of its picture when a worker is free; the pixels of it that are right.
   * @param {() => Record<string, any>} cutOut
   * @returns {Promise<Uint8ClampedArray>}
   */
  async run(cutOut) {
    const worker = this.#idle.pop() ?? (await new Promise((take) => this.#waiting.push(take)));
    try {
      const window = cutOut();
      const message = { kind: "window", id: this.#ids++, ...window };
      return (await ask(worker, message, [window.samples.buffer])).pixels;
    } finally {
      this.#release(worker);
    }
  }

  stop() {
    for (const worker of this.#all) worker.terminate();
    this.#all = this.#idle = [];
  }
}

/**
 * @param {Worker} worker
 * @param {Record<string, unknown>} message
 * @param {Transferable[]} [transfer]
 * @returns {Promise<any>}
 */
function ask(worker, message, transfer = []) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.kind === "failed" ? reject(new Error(data.message)) : resolve(data));
    worker.onerror = (event) => reject(new Error(event.message || "A worker could not be started."));
    worker.postMessage(message, transfer);
  });
}
