"""Shards written in the formats that other trainers read: one file a format, and the table of them.

`export` goes through shards and hands their pictures to a format; `intake` reads pictures, `figures` completes
people's joints, `joint_sets` are the trainers' joints, `boxes` their boxes; `columns`, `pickles`, `rle` and
`folder` write; `checking` is what the checks of several formats have in common.
"""

FORMATS = {
    "4d_humans": "synthgen.exporters.hmr2_tars:HMR2Tars",
    "4d_humans_eval": "synthgen.exporters.hmr2_evaluation:HMR2Evaluation",
    "scorehmr_eval": "synthgen.exporters.hmr2_evaluation:HMR2Evaluation",
    "scorehmr_groups": "synthgen.exporters.scorehmr_groups:ScoreHMRGroups",
    "spin": "synthgen.exporters.spin:SPIN",
    "dapa": "synthgen.exporters.spin:SPIN",
    "bedlam": "synthgen.exporters.bedlam:BEDLAM",
    "camerahmr": "synthgen.exporters.camerahmr:CameraHMR",
    "crowdnet": "synthgen.exporters.crowdnet:CrowdNet",
    "dpmesh": "synthgen.exporters.crowdnet:CrowdNet",
    "coco": "synthgen.exporters.coco:COCO",
    "human_data": "synthgen.exporters.human_data:HumanData",
    "hugging_face": "synthgen.exporters.hugging_face:HuggingFace",
}  # a format is a dataclass of its options that keeps the protocol `export.Format`
