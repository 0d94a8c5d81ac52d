"""Pictures and clips to train on and to measure with, for any backend."""

from keras_sandwich.datasets.array_crops import ArrayCrops
from keras_sandwich.datasets.depth_scenes import depth_crops, synthetic_depth
from keras_sandwich.datasets.generated_materials import (
    generate_heights,
    generate_material,
    generate_normal_map,
    material_from_photograph,
    normals_from_heights,
)
from keras_sandwich.datasets.image_folder import ImageFolder, image_folder
from keras_sandwich.datasets.material_crops import MaterialCrops
from keras_sandwich.datasets.moving_photographs import moving_photographs
from keras_sandwich.datasets.optical_flow import dense_flow
from keras_sandwich.datasets.pictures import load_images
from keras_sandwich.datasets.recoloring import recolor
from keras_sandwich.datasets.sample_photographs import sample_images, sample_names
from keras_sandwich.datasets.tfds import load_tfds_images
from keras_sandwich.datasets.video_clips import VideoClips, video_clips
from keras_sandwich.datasets.video_frames import load_video, load_yuv

__all__ = [
    "ArrayCrops",
    "ImageFolder",
    "MaterialCrops",
    "VideoClips",
    "dense_flow",
    "depth_crops",
    "generate_heights",
    "generate_material",
    "generate_normal_map",
    "image_folder",
    "load_images",
    "load_tfds_images",
    "load_video",
    "load_yuv",
    "material_from_photograph",
    "moving_photographs",
    "normals_from_heights",
    "recolor",
    "sample_images",
    "sample_names",
    "synthetic_depth",
    "video_clips",
]
