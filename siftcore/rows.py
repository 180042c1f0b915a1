"""Images that are read a few rows at a time, because they are too large for memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from siftcore.errors import ImageReadError, InputError, MissingDependencyError
from siftcore.image import check_shape, check_type, load_image, to_grey
from siftcore.image_files import TIFF_ENDINGS
from siftcore.nodata import fill_black, has_gaps

__all__ = ["ArrayRows", "GreyRows", "ImageRows", "RasterRows", "TiffRows", "open_rows", "read_grey"]

# Below this many pixels an image is read in one piece.
LARGE = 2**25
# Bytes of samples per byte of the file. Deflate reaches 1032, LZW 2700; a damaged header says more.
_MOST_EXPANSION = 4096
# What TIFF calls photometric interpretations, and its two kinds of JPEG.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
_JPEG = (6, 7)

ValueRange = tuple[float, float] | None


class ImageRows(Protocol):
    """A grey image that gives its rows in order.

    Attributes
    ----------
    shape : (int, int)
        Height and width.
    """

    shape: tuple[int, int]

    def blocks(self, n: int) -> Iterator[NDArray[np.float32]]:
        """All rows from the first, some `n` at a time: (k, W) float32 in [0, 1].

        Every call starts again from the first row.
        """
        ...


class ArrayRows:
    """Rows of anything that is sliced as an array is: memory-maps, HDF5 and Zarr data sets.

    Parameters
    ----------
    array : array_like, (H, W) or (H, W, 1|3|4)
        With `shape`, `dtype` and slicing by rows.
    value_range : (float, float), optional
        As for `siftcore.load_image`.
    """

    def __init__(self, array: Any, value_range: ValueRange = None) -> None:
        check_shape(array.shape)
        check_type(array.dtype, value_range)
        self.array, self.value_range = array, value_range
        self.shape = (int(array.shape[0]), int(array.shape[1]))

    def blocks(self, n: int) -> Iterator[NDArray[np.float32]]:
        """See `ImageRows`."""
        for start in range(0, self.shape[0], n):
            rows = np.asarray(self.array[start : start + n])
            yield to_grey(rows, self.value_range)


class GreyRows:
    """Rows of a grey image in memory.

    Parameters
    ----------
    image : ndarray, (H, W) float32
        In [0, 1], as `siftcore.load_image` gives it.
    """

    def __init__(self, image: NDArray[np.float32]) -> None:
        self.image = image
        self.shape = (int(image.shape[0]), int(image.shape[1]))

    def blocks(self, n: int) -> Iterator[NDArray[np.float32]]:
        """See `ImageRows`."""
        for start in range(0, self.shape[0], n):
            yield self.image[start : start + n]


class TiffRows:
    """Rows of a TIFF file, its strips or tiles decoded as they are needed.

    Parameters
    ----------
    path : path
        Grey or RGB, with or without alpha; the samples of a pixel together, not in separate
        planes. Of several pages the first.
    value_range : (float, float), optional

    Raises
    ------
    MissingDependencyError
        Without tifffile (extra ``tiff``).
    ImageReadError
        When the file is not a TIFF, or of a kind that cannot be read in parts.
    """

    def __init__(self, path: str | os.PathLike[str], value_range: ValueRange = None) -> None:
        self.path, self.value_range = os.fspath(path), value_range
        with self._opened() as file:
            try:
                shape, dtype = self._form(file)
            except ImageReadError:
                raise
            # tifffile raises errors of every kind at damaged files.
            except Exception as error:
                raise ImageReadError(self.path, f"{error}; is it a TIFF file?") from None
        check_shape(shape)
        check_type(dtype, value_range)
        self.shape = (int(shape[0]), int(shape[1]))

    def _form(self, file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of the samples, of a file that can be read in parts."""
        from tifffile import TIFF

        page = file.pages[0]
        if not _is_grey_or_rgb(page):
            raise ImageReadError(
                self.path,
                f"its samples are not intensities ({page.photometric!s}, {page.bitspersample} bits)"
                "; convert it to grey or RGB of 8 bits or more",
            )
        if page.planarconfig != 1 and page.samplesperpixel > 1:
            raise ImageReadError(
                self.path,
                "its colours lie in planes of their own; convert it to interleaved samples, "
                "or pass a rasterio dataset",
            )
        if page.dtype is None:
            raise ImageReadError(self.path, "its samples are of no type that NumPy has")
        if page.compression != 1 and page.compression not in TIFF.DECOMPRESSORS:
            raise ImageReadError(
                self.path, f"its compression {page.compression!r} needs the package 'imagecodecs'"
            )
        if page.nbytes > _MOST_EXPANSION * file.filehandle.size:
            raise ImageReadError(
                self.path,
                f"its header promises {page.nbytes} bytes of samples, too many for a file of "
                f"{file.filehandle.size}; it may be damaged; if it is not, pass an array",
            )
        return page.shape, page.dtype

    def _opened(self) -> Any:
        try:
            import tifffile
        except ImportError:
            raise MissingDependencyError("tifffile", "reading TIFF in parts", "tiff") from None
        try:
            return tifffile.TiffFile(self.path)
        except FileNotFoundError:
            raise ImageReadError(self.path, "there is no such file") from None
        except Exception as error:
            raise ImageReadError(self.path, f"{error}; is it a TIFF file?") from None

    def blocks(self, n: int) -> Iterator[NDArray[np.float32]]:
        """See `ImageRows`; blocks are as high as the file's strips or tiles."""
        with self._opened() as file:
            page = file.pages[0]
            for band in self._bands(page):
                samples = np.invert(band) if page.photometric == _WHITE_IS_ZERO else band
                yield to_grey(samples, self.value_range)

    def _bands(self, page: Any) -> Iterator[NDArray[Any]]:
        bands = self._decoded(page)
        while True:
            try:
                band = next(bands)
            except StopIteration:
                return
            # Every codec has errors of its own.
            except Exception as error:
                reason = f"{error or type(error).__name__}; the file may be truncated or damaged"
                raise ImageReadError(self.path, reason) from None
            yield band

    def _decoded(self, page: Any) -> Iterator[NDArray[Any]]:
        height, width = self.shape
        band: NDArray[Any] | None = None
        top = 0
        # One at a time: tifffile's own threads would decode far ahead.
        for segment, place, size in page.segments(maxworkers=1):
            y, x = int(place[2]), int(place[3])
            if band is None or y != top:
                if band is not None:
                    yield band
                rows = min(int(size[1]), height - y)
                band, top = np.zeros((rows, width, page.samplesperpixel), page.dtype), y
            if segment is None:
                # A tile that the file leaves out is black.
                continue
            h, w = min(segment.shape[1], len(band)), min(segment.shape[2], width - x)
            band[:h, x : x + w] = segment[0, :h, :w]
        if band is not None:
            yield band


def _is_grey_or_rgb(page: Any) -> bool:
    """Whether the samples can be taken as they are; Pillow converts those of other kinds."""
    if page.bitspersample in range(2, 8):
        return False
    if page.photometric == _WHITE_IS_ZERO:
        return page.dtype in (np.bool_, np.uint8)
    # The decoder of JPEG gives RGB already.
    is_decoded = page.photometric == _YCBCR and page.compression in _JPEG
    return is_decoded or page.photometric in (_BLACK_IS_ZERO, _RGB)


class RasterRows:
    """Rows of an open rasterio dataset, read in windows.

    Parameters
    ----------
    dataset : rasterio.DatasetReader
        Of one band, or of three or four that are read as red, green, blue and alpha.
    value_range : (float, float), optional
    """

    def __init__(self, dataset: Any, value_range: ValueRange = None) -> None:
        self.dataset, self.value_range = dataset, value_range
        self.shape = (int(dataset.height), int(dataset.width))
        count = int(dataset.count)
        if count not in (1, 3, 4):
            raise InputError(
                f"the dataset must have 1, 3 or 4 bands; it has {count}; read those that you want "
                "and pass an array"
            )
        check_type(np.dtype(dataset.dtypes[0]), value_range)
        self.bands = list(range(1, min(count, 3) + 1))

    def blocks(self, n: int) -> Iterator[NDArray[np.float32]]:
        """See `ImageRows`."""
        height, width = self.shape
        masked = {"masked": True} if has_gaps(self.dataset) else {}
        for start in range(0, height, n):
            stop = min(start + n, height)
            window = ((start, stop), (0, width))
            # Masked: what has no value, by nodata or a mask, is black.
            bands = self.dataset.read(self.bands, window=window, **masked)
            filled = fill_black(bands, self.value_range)
            yield to_grey(np.moveaxis(filled, 0, -1), self.value_range)


def open_rows(image: Any, value_range: ValueRange = None) -> ImageRows | None:
    """Rows of an image that is large and can be read in parts; None for every other one.

    Parameters
    ----------
    image : any
        What `siftcore.extract` takes.
    value_range : (float, float), optional
    """
    if isinstance(image, (str, os.PathLike)):
        return _tiff_rows(os.fspath(image), value_range)
    if hasattr(image, "read") and hasattr(image, "dtypes") and hasattr(image, "count"):
        return RasterRows(image, value_range)
    shape: tuple[int, ...] = tuple(getattr(image, "shape", ()))
    # Tensors have channels first, and are in memory already.
    if len(shape) < 2 or not hasattr(image, "dtype") or hasattr(image, "detach"):
        return None
    if not isinstance(image, np.ndarray) or shape[0] * shape[1] >= LARGE:
        return ArrayRows(image, value_range)
    return None


def read_grey(image: Any, value_range: ValueRange = None) -> NDArray[np.float32]:
    """As `siftcore.load_image`, and also of what is read in rows: data sets, memory-maps."""
    if isinstance(image, (np.ndarray, str, os.PathLike)):
        return load_image(image, value_range)
    rows = open_rows(image, value_range)
    if rows is None:
        return load_image(image, value_range)
    return np.concatenate(list(rows.blocks(rows.shape[0])))


def _tiff_rows(path: str, value_range: ValueRange) -> TiffRows | None:
    # A pipe can be read only once, and not by tifffile.
    if not path.lower().endswith(TIFF_ENDINGS) or not os.path.isfile(path):
        return None
    try:
        rows = TiffRows(path, value_range)
    except (MissingDependencyError, ImageReadError, InputError):
        # Pillow may know better, or says what is wrong.
        return None
    return rows if rows.shape[0] * rows.shape[1] >= LARGE else None
