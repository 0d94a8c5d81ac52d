// A worker that runs the network on one window after another.

/** @type {any} */ let runtime;
/** @type {any} */ let session;
/** @type {any} */ let network;

self.onmessage = async ({ data }) => {
  try {
    if (data.kind === "load") {
      await load(data);
      self.postMessage({ kind: "loaded" });
    } else {
      const pixels = await restoreWindow(data);
      self.postMessage({ kind: "restored", id: data.id, pixels }, { transfer: [pixels.buffer] });
    }
  } catch (error) {
    self.postMessage({ kind: "failed", id: data.id, message: error instanceof Error ? error.message : String(error) });
  }
};

/** @param {{device: string, runtimeUrl: string, modelUrl: string, network: any}} options */
async function load({ device, runtimeUrl, modelUrl, network: about }) {
  runtime = await import(`${runtimeUrl}ort.${device}.min.mjs`);
  runtime.env.wasm.wasmPaths = runtimeUrl;
  runtime.env.wasm.numThreads = 1; // several workers instead, which need no special headers
  runtime.env.logLevel = "error";
  network = about;
  session = await runtime.InferenceSession.create(modelUrl, {
    executionProviders: [device],
    logSeverityLevel: 3,
  });
}

/**
 * A window's samples to the pixels that are right of what the network makes of them: red, green, blue and 255.
 * @param {any} window
 */
async function restoreWindow({ samples, height, width, rows, columns, seen, kept, qstep }) {
  const images = Float32Array.from(samples);
  const tensor = (/** @type {Float32Array} */ values, /** @type {number[]} */ shape) => new runtime.Tensor("float32", values, shape);
  /** @type {Record<string, any>} */
  const inputs = { images: tensor(images, [1, height, width, network.bottleneckChannels]) };
  if (rows) inputs.rows = tensor(rows, [seen[0], height]);
  if (columns) inputs.columns = tensor(columns, [seen[1], width]);
  if (network.conditioned) inputs.qstep = tensor(Float32Array.of(qstep), [1]);
  const outputs = await session.run(inputs);
  const result = outputs.result;
  const values = await result.getData();
  const across = result.dims[2];
  const channels = network.channels;
  const pixels = new Uint8ClampedArray(kept.height * kept.width * 4); // which rounds and clips
  let to = 0;
  for (let y = 0; y < kept.height; y++) {
    let from = ((kept.top + y) * across + kept.left) * channels;
    for (let x = 0; x < kept.width; x++, from += channels) {
      pixels[to++] = values[from];
      pixels[to++] = values[channels === 1 ? from : from + 1];
      pixels[to++] = values[channels === 1 ? from : from + 2];
      pixels[to++] = 255;
    }
  }
  result.dispose?.();
  return pixels;
}
