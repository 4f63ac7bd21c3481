"""Names of the 80 countable classes of COCO; panoptic models add "stuff" (walls, sky, snow) to them.

Models on the hub have either these names or, where they were trained for instances (Mask2Former, RT-DETR),
some of an older data set's.
"""

COCO_THINGS = frozenset([
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
    "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
    "scissors", "teddy bear", "hair drier", "toothbrush",
])  # fmt: skip
# The same as motorcycle, airplane, couch, potted plant, dining table and tv.
OLDER_NAMES = frozenset({"motorbike", "aeroplane", "sofa", "pottedplant", "diningtable", "tvmonitor"})
