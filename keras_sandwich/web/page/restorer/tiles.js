// How a picture is cut into windows that a network sees one after the other, so that it makes of them what it makes of
// the whole: `keras_sandwich.inference.windows` and `tiling`, in JavaScript.

const LANCZOS = 3;

/** @typedef {[number, number]} Range */
/** @typedef {{read: Range, weights: Float32Array | null, start: number, result: Range, seen: Range}} Step */

/**
 * @param {number} size
 * @param {number} multiple
 */
export const ceilMultiple = (size, multiple) => Math.ceil(size / multiple) * multiple;

/**
 * @param {number} size of the axis
 * @param {number} tile
 * @param {number} radius
 * @param {number} grid
 * @returns {{seen: Range, result: Range}[]}
 */
export function planWindows(size, tile, radius, grid) {
  const longest = ceilMultiple(Math.min(tile, size) + 2 * radius + grid - 1, grid);
  if (tile >= size || longest >= size) return [{ seen: [0, size], result: [0, size] }];
  const quarter = ceilMultiple(longest, 4 * grid) / 4;
  /** @type {{seen: Range, result: Range}[]} */
  const windows = [];
  for (let from = 0; from < size; from += tile) {
    /** @type {Range} */
    const result = [from, Math.min(from + tile, size)];
    const start = Math.floor(Math.max(from - radius, 0) / grid) * grid;
    if (start + longest < size) {
      windows.push({ seen: [start, start + longest], result });
    } else {
      const length = Math.min(ceilMultiple(size - start, quarter), longest);
      windows.push({ seen: [ceilMultiple(size - length, grid), size], result });
    }
  }
  return windows;
}

/**
 * The windows along an axis of a bottleneck of `size` samples whose picture has `results`.
 * @param {number} size
 * @param {number} results
 * @param {number} tile
 * @param {import("./restorer.js").Network} network
 * @returns {Step[]}
 */
export function stepsOf(size, results, tile, network) {
  return planWindows(results, tile, network.radius, network.alignment).map(({ seen, result }) => {
    const start = result[0] - seen[0];
    if (!network.resamples) {
      const ratio = results / size;
      return { read: [seen[0] / ratio, seen[1] / ratio], weights: null, start, result, seen };
    }
    const read = support(size, results, seen);
    return { read, weights: lanczos(size, results, seen, read), start, result, seen };
  });
}

/**
 * @param {number} size
 * @param {number} results
 * @param {Range} wanted
 * @returns {Range}
 */
function support(size, results, wanted) {
  const step = size / results;
  const reach = LANCZOS * Math.max(step, 1);
  const first = (wanted[0] + 0.5) * step - 0.5;
  const last = (wanted[1] - 0.5) * step - 0.5;
  return [Math.max(Math.floor(first - reach), 0), Math.min(Math.ceil(last + reach) + 1, size)];
}

/**
 * The part of the matrix that resamples an axis, row after row: half-pixel centres, weights of sum 1.
 * @param {number} size
 * @param {number} results
 * @param {Range} wanted
 * @param {Range} read
 */
function lanczos(size, results, wanted, read) {
  const step = size / results;
  const stretch = Math.max(step, 1);
  const columns = read[1] - read[0];
  const matrix = new Float32Array((wanted[1] - wanted[0]) * columns);
  const row = new Float64Array(columns);
  for (let result = wanted[0]; result < wanted[1]; result++) {
    const centre = (result + 0.5) * step - 0.5;
    let sum = 0;
    for (let n = 0; n < columns; n++) {
      const x = Math.abs(read[0] + n - centre) / stretch;
      const angle = Math.PI * Math.max(x, 1e-6);
      row[n] = x < LANCZOS ? (LANCZOS * Math.sin(angle) * Math.sin(angle / LANCZOS)) / (angle * angle) : 0;
      sum += row[n];
    }
    for (let n = 0; n < columns; n++) matrix[(result - wanted[0]) * columns + n] = row[n] / sum;
  }
  return matrix;
}
