#!/usr/bin/env bash
# Measures JAX and PyTorch on a GPU, in float32 and mixed_bfloat16, in one go: tables on the screen and JSON in $OUT.
#
#   benchmarks/speed/gpu.sh [FOLDER OF WHEELS]
#
# For a machine whose python3 has jax and torch with CUDA, numpy and Pillow. What else Keras needs (keras, namex,
# optree) is installed from the folder, without a network: `pip download --no-deps -d FOLDER keras namex optree`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

wheels=${1:-}
out=${OUT:-.}
site=$(mktemp -d)
if [ -n "$wheels" ]; then
    python3 -m pip install -q --no-index --no-deps --target "$site" "$wheels"/*.whl || exit
fi
export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
export XLA_PYTHON_CLIENT_PREALLOCATE=false # or the peak memory would be JAX's reservation

failed=0
measure() { # backend, dtype policy, modes
    echo "== $1, $2"
    KERAS_BACKEND=$1 timeout 280 python3 -m benchmarks --dtype "$2" --modes "$3" \
        --json "$out/gpu-$1-$2.json" 2>&1 | tee "$out/gpu-$1-$2.txt" || failed=1
}
for dtype in float32 mixed_bfloat16; do
    measure jax $dtype compiled
    measure torch $dtype plain # torch.compile takes a minute for each shape
done
exit $failed
