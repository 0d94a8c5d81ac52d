// The pixels that the browser's own decoder makes of a file, and whether they are those that were coded.

import { DamagedFile } from "./errors.js";

const STRIP = 1024; // rows read at a time: some browsers have canvases of 16 megapixels at most

/**
 * @param {Blob} blob
 * @param {number} channels of what was coded: of 1 it is the green, as the codecs here take it of WebP, whose grays are not quite
 * @returns {Promise<{width: number, height: number, channels: number, samples: Uint8Array}>}
 */
export async function decodePixels(blob, channels) {
  let bitmap;
  try {
    // As they are in the file: the network was trained on them, whatever colours a profile says they mean.
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new DamagedFile("The browser cannot decode it: it is damaged, or of a format that this browser does not know.");
  }
  const { width, height } = bitmap;
  const samples = new Uint8Array(width * height * channels);
  const canvas = new OffscreenCanvas(width, Math.min(height, STRIP));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true, alpha: false })
  );
  for (let top = 0; top < height; top += STRIP) {
    context.drawImage(bitmap, 0, -top);
    const rows = Math.min(STRIP, height - top);
    const { data } = context.getImageData(0, 0, width, rows);
    let to = top * width * channels;
    for (let from = 0; from < data.length; from += 4) {
      if (channels === 1) samples[to++] = data[from + 1];
      else for (let channel = 0; channel < 3; channel++) samples[to++] = data[from + channel];
    }
  }
  bitmap.close();
  return { width, height, channels, samples };
}

/**
 * 32 hexadecimal digits of the SHA-256 that the file says its pixels have; null where the browser offers no SHA-256, as
 * on pages without https.
 * @param {{width: number, height: number, channels: number, samples: Uint8Array}} picture
 */
export async function digestOf({ width, height, channels, samples }) {
  if (!globalThis.crypto?.subtle) return null;
  const header = new TextEncoder().encode(`${height}x${width}x${channels}x1 `);
  const whole = new Uint8Array(header.length + samples.length);
  whole.set(header);
  whole.set(samples, header.length);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
