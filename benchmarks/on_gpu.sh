#!/usr/bin/env bash
# Trains, in one call of at most ten minutes on a GPU, sandwiches with the published networks (7.8 million parameters on
# each side) in mixed_bfloat16 on JAX, one scenario after the other, and puts presets and logs into $OUT.
#
#   benchmarks/on_gpu.sh CROPS [--wheels FOLDER] [--minutes M | --steps N] [SCENARIO …]
#
# CROPS is a folder of pictures: `python -m benchmarks.quality.crop_cache` makes one of at most 40 MB. For a machine
# whose python3 has jax with CUDA, numpy, h5py and Pillow; what else Keras needs is installed from the wheels, without
# a network: `pip download --no-deps -d FOLDER keras namex optree`. `--minutes` are of each training, by default nine
# in equal parts. Weights come in parts of 15 MB: `cat model.weights.h5.* > model.weights.h5`.
# Anywhere else: NETWORKS=scenario BATCH=1 KERAS_BACKEND=torch benchmarks/on_gpu.sh CROPS --steps 20 colour
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

crops=$1
shift
budget=() scenarios=()
while [ $# -gt 0 ]; do
    case $1 in
    --wheels)
        site=$(mktemp -d)
        ${PYTHON:-python3} -m pip install -q --no-index --no-deps --target "$site" "$2"/*.whl
        export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
        shift 2
        ;;
    --minutes | --steps) budget=("$1" "$2") && shift 2 ;;
    *) scenarios+=("$1") && shift ;;
    esac
done
[ ${#scenarios[@]} -gt 0 ] || scenarios=(colour low-resolution)
[ ${#budget[@]} -gt 0 ] || budget=(--minutes "$(awk "BEGIN {print 8 / ${#scenarios[@]}}")")

out=${OUT:-runs/on_gpu}
mkdir -p "$out"
export KERAS_BACKEND=${KERAS_BACKEND:-jax} PYTHONUNBUFFERED=1
for scenario in "${scenarios[@]}"; do
    model=$(mktemp -d)/$scenario.keras # with its optimizer, too large to bring back
    options=(--networks "${NETWORKS:-published}" --dtype mixed_bfloat16 --batch-size "${BATCH:-16}" "${budget[@]}")
    [ "$scenario" = grayscale ] || options+=(--chroma-subsampling 4:2:0)
    ${PYTHON:-python3} -m benchmarks.quality.long_training "$scenario" --data "$crops" --reductions 1 \
        "${options[@]}" --output "$model" 2>&1 | tee "$out/$scenario.log"
    ${PYTHON:-python3} -m benchmarks.quality.save_preset "$scenario" "$model" --presets "$out" \
        --training "python -m benchmarks.quality.long_training $scenario ${options[*]}" \
        --description "${NETWORKS:-published} networks, trained on a GPU"
    split -b 15000000 -d "$out/$scenario/model.weights.h5"{,.}
    rm "$out/$scenario/model.weights.h5"
done
