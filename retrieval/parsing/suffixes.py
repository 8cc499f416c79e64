"""Suffixes of files that can hold no text that anybody would search for: they are passed over, and counted."""

_KINDS = {
    "image": "apng avif bmp cr2 dng emf eps gif heic heif icns ico jfif jpeg jpg jxl nef png psd svg svgz tga tif"
    " tiff webp wmf xcf",
    "audio": "aac aif aiff amr flac m4a mid midi mp3 oga ogg opus wav wma",
    "video": "3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg ogv webm wmv",
    "font": "eot otf pfb ttc ttf woff woff2",
    "archive, not opened": "7z apk br bz2 cab cpio deb dmg ear gz iso jar lz4 lzma rar rpm tar tbz2 tgz txz war whl"
    " xz z zip zst",
    "program": "a bin class dll dylib elf exe ko lib mo msi o obj pdb pyc pyd pyo so wasm",
    "numbers": "ckpt gguf h5 hdf5 joblib npy npz onnx pkl pt pth safetensors tflite",
}
TEXTLESS = {f".{suffix}": kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}
"""Suffix, in lower case and with its dot, to what such a file is."""
