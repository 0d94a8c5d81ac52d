# %% [markdown]
# # Normal maps in ordinary JPEG files
#
# A normal map says where each point of a surface looks. Games and web pages send it as a JPEG file, as if x, y and z
# were red, green and blue, and then blocks appear in the light on the surface: JPEG halves the resolution of colour,
# and here colour is half of what there is to see. This example sends the same map through the same JPEG with a network
# before and after it (the preset `normal_maps_420`), and compares at equal bytes. It draws its surfaces from a seed and
# needs no data:
#
#     KERAS_BACKEND=torch python examples/normal_maps.py --output runs/normal_maps

# %%
import argparse
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import keras_sandwich as ks

arguments = argparse.ArgumentParser(description="Normal maps in ordinary JPEG files.")
arguments.add_argument("--output", type=Path, default=Path("runs/normal_maps"))
arguments.add_argument("--model", default="normal_maps_420", help="a preset, or a .keras file")
options = arguments.parse_args()
options.output.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## A surface
#
# A height map that tiles, its normals, and the PNG file that an artist would hand on. The networks were trained on
# surfaces of other seeds.

# %%
heights = ks.datasets.generate_heights(256, "pebbles", seed=1001)
heights = heights + 0.1 * ks.datasets.generate_heights(256, "noise", seed=1002)
normals = ks.datasets.normals_from_heights(heights, strength=2.0)
source = options.output / "normal.png"
Image.fromarray(ks.pictures.normals_to_picture(normals)).save(source)
levels = ks.pictures.normals_to_levels(normals)
print(
    f"{source.stat().st_size} bytes of PNG, x and y from {levels.min():.0f} to {levels.max():.0f}"
)

# %% [markdown]
# ## At equal bytes
#
# Each JPEG file is the largest of at most 1 bit per pixel: x, y and z as colour; x and y in the luma and one chroma
# plane, z following from their length; and what the sandwich makes of them. `encode_file` needs to be told only the
# network.

# %%
network = ks.files.networks.load_network(options.model)
codec = ks.codecs.JPEG(qstep=8, chroma_subsampling="4:2:0")
angle = ks.evaluation.normal_angle()
systems = {
    "xyz as colour": ks.evaluation.NormalMapBaseline("xyz"),
    "xy, z dropped": ks.evaluation.NormalMapBaseline("xy", "luma"),
    "sandwich": network.model,
}
restored, shown = {}, {}
for name, system in systems.items():
    for step in range(2, 256):
        coder = codec.with_strength(step)
        qstep = float(step) if system is network.model else None
        bottleneck = ks.inference.preprocess_picture(system, levels, qstep=qstep)
        samples = np.clip(np.round(bottleneck), 0, 255).astype("uint8")
        file = coder.encode(samples)
        if 8 * len(file) <= levels[..., 0].size:
            break
    decoded = ks.inference.postprocess_picture(system, coder.decode(file), qstep=qstep)
    restored[name], shown[name] = np.clip(np.round(decoded), 0, 255), samples
    print(
        f"{name:14} step {step:3}, {len(file)} bytes, {angle(levels, restored[name], 255.0):.2f}°"
    )

# %% [markdown]
# ## What travels
#
# Left the normal map, in the middle what JPEG is given by the sandwich, right its luma. x and y are the slopes of one
# height map, so they say the same twice. The sandwich starts from a transform that turns both, frequency by frequency,
# into one plane, their potential: it is the luma, at full resolution. What is left is in the chroma, and halving it
# loses little.

# %%
travelling = shown["sandwich"]
luma = np.clip(travelling @ [0.299, 0.587, 0.114], 0, 255)[..., None].repeat(3, axis=-1)
strip = np.concatenate([np.asarray(Image.open(source)), travelling, luma.astype("uint8")], axis=1)
bottleneck_file = options.output / "bottleneck.png"
Image.fromarray(strip).save(bottleneck_file)
print(bottleneck_file)

# %% [markdown]
# ## In the light
#
# The same corner under one light, enlarged three times: the original, then xyz as colour, xy, and the sandwich, all at
# the same bytes.

# %%
light, view = [0.6, 0.5, 0.62], [0.0, 0.0, 1.0]
views = []
for maps in (levels, *restored.values()):
    render = ks.ops.render_material(maps[None].astype("float32"), light, view, ("normal_xy",))
    crop = keras.ops.convert_to_numpy(render)[0]
    views.append(crop[64:192, 64:192].repeat(3, axis=0).repeat(3, axis=1).repeat(3, axis=2))
renders_file = options.output / "renders.png"
Image.fromarray(np.concatenate(views, axis=1).astype("uint8")).save(renders_file)
print(renders_file)

# %% [markdown]
# ## Files
#
# What a user does: one file in, one file out. The JPEG says in its metadata that it holds a normal map, whose green is
# up, and which network restores it.

# %%
coded = options.output / "normal.jpg"
info = ks.encode_file(source, coded, network, bits_per_pixel=1.0)
ks.decode_file(coded, options.output / "restored.png", network)
again = ks.pictures.read_normal_map(options.output / "restored.png")
error = angle(levels, ks.pictures.normals_to_levels(again), 255.0)
print(f"{info.file_size} bytes, metadata among them; holds {info.holds!r}; {error:.2f}°")
