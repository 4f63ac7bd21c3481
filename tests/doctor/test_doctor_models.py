from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_files import write_config, write_weights

from synthgen import config as configs
from synthgen.doctor.finding import Finding
from synthgen.doctor.models import inspect_models
from synthgen.doctor.plan import Plan
from synthgen.joints import COCO17

MakePlan = Callable[..., Plan]
Pipeline = Callable[..., Path]
PERSON = {"0": "person", "1": "skis"}


def only(plan: Plan) -> Finding:
    (finding,) = inspect_models(plan).findings
    return finding


def vitpose(folder: Path, joints: int = 17) -> Path:
    labels = {str(number): name for number, name in enumerate(COCO17.names[:joints])}
    write_config(folder, model_type="vitpose", id2label=labels)
    (folder / "preprocessor_config.json").write_text("{}")
    write_weights(folder / "model.safetensors", 20)
    return folder


def segmenter(folder: Path, kind: str = "Mask2FormerForUniversalSegmentation") -> Path:
    write_config(folder, architectures=[kind], id2label=PERSON)
    (folder / "preprocessor_config.json").write_text("{}")
    write_weights(folder / "model.safetensors", 30)
    return folder


def hmr2_checkpoint(path: Path) -> Path:
    """Save the keys and shapes that 4D-Humans' checkpoint is known by; all its zeros take no room."""

    def zeros(*shape: int) -> torch.Tensor:
        return torch.zeros(1).expand(shape)

    layer = "smpl_head.transformer.transformer.layers.0."
    state = {
        "backbone.patch_embed.proj.weight": zeros(1280, 3, 16, 16),
        "backbone.pos_embed": zeros(1, 193, 1280),
        "backbone.blocks.0.attn.qkv.weight": zeros(3840, 1280),
        "backbone.blocks.0.mlp.fc1.weight": zeros(5120, 1280),
        "smpl_head.transformer.to_token_embedding.weight": zeros(1024, 1),
        f"{layer}0.fn.to_qkv.weight": zeros(1536, 1024),
        f"{layer}2.fn.net.0.weight": zeros(1024, 1024),
        "smpl.v_template": zeros(6890, 3),
    }
    torch.save({"state_dict": state}, path)
    return path


def test_the_models_of_the_package_are_all_there(make_plan: MakePlan) -> None:
    preset = configs.read(configs.shipped(configs.MODELS)["embedded"])
    inspection = inspect_models(make_plan(models=preset.values))
    assert {finding.level for finding in inspection.findings} == {"ok"}
    assert {finding.subject for finding in inspection.findings} == {
        f"models.{role}" for role in preset.values
    }
    assert inspection.count > 1_000_000 and inspection.unknown == ()


def test_roles_are_told_what_they_hold(make_plan: MakePlan, pipeline: Pipeline, tmp_path: Path) -> None:
    models = {
        "draft": {"backend": "text_to_image", "id": str(pipeline("sd"))},
        "redraw": {"backend": "depth_to_image", "id": str(pipeline("depth", channels=5))},
        "segmenter": {"backend": "segmentation", "id": str(segmenter(tmp_path / "m2f"))},
        "keypoints": {"backend": "vitpose", "id": str(vitpose(tmp_path / "vit"))},
        "mesh": {"backend": "hmr2", "id": str(hmr2_checkpoint(tmp_path / "hmr2.ckpt")), "body": "smpl"},
    }
    inspection = inspect_models(make_plan(models=models))
    assert [finding.level for finding in inspection.findings] == ["ok"] * 5
    texts = [finding.text.rpartition("/")[2] for finding in inspection.findings]
    assert texts[:3] == [
        "sd: StableDiffusionPipeline, 0.0 million weights",
        "depth: StableDiffusionPipeline, 0.0 million weights",
        "m2f: Mask2FormerForUniversalSegmentation, 0.0 million weights",
    ]
    assert "hmr2.ckpt: HMR2 of 4D-Humans" in texts[4]


@pytest.mark.parametrize(
    ("role", "node", "message"),
    [
        ("draft", {"backend": "text_to_image", "id": "{depth}"}, "takes 5 channels, expected 4"),
        ("redraw", {"backend": "depth_to_image", "id": "{sd}"}, "takes 4 channels, expected 5"),
        ("redraw", {"backend": "depth_to_image", "id": "{vit}"}, "it has no model_index.json"),
        (
            "draft",
            {"backend": "text_to_image", "id": "{sd}", "variant": "fp16"},
            "has no weights: expected model.fp16",
        ),
        ("segmenter", {"backend": "segmentation", "id": "{vit}"}, "holds vitpose, expected an image-segm"),
        ("segmenter", {"backend": "segmentation", "id": "{m2f}", "person": ["man"]}, "has no class 'man'"),
        ("keypoints", {"backend": "vitpose", "id": "{m2f}"}, "expected a vitpose with the 17"),
        ("keypoints", {"backend": "vitpose", "id": "{sd}"}, "it has no config.json"),
        ("mesh", {"backend": "hmr2", "id": "{vit}"}, "is no HMR2 of ours; of 4D-Humans give the .ckpt"),
        ("mesh", {"backend": "hmr2", "id": "{page}"}, "it looks like a web page"),
        ("mesh", {"backend": "hmr2", "id": "{other}"}, "is not an HMR2 checkpoint; it looks like a VPoser"),
        ("prior", {"backend": "vposer", "id": "{vit}"}, "architecture must be 'VPoser'"),
        ("prior", {"backend": "vposer", "id": "{empty}"}, "has no VPoser snapshot"),
    ],
)
def test_the_wrong_model_for_a_role_fails(
    make_plan: MakePlan, pipeline: Pipeline, tmp_path: Path, role: str, node: dict[str, Any], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "page.ckpt").write_text("<!DOCTYPE html><html>log in</html>")
    torch.save(
        {"bodyprior_enc_fc1.weight": torch.zeros(1), "bodyprior_dec_out.weight": torch.zeros(1)},
        tmp_path / "v.pt",
    )
    places = {
        "sd": pipeline("sd"), "depth": pipeline("depth", channels=5), "vit": vitpose(tmp_path / "vit"),
        "m2f": segmenter(tmp_path / "m2f"), "empty": tmp_path / "empty", "page": tmp_path / "page.ckpt",
        "other": tmp_path / "v.pt",
    }  # fmt: skip
    finding = only(make_plan(models={role: node | {"id": node["id"].format(**places)}}))
    assert finding.level == "FAIL" and message in finding.text, finding.text
    assert finding.subject == f"models.{role}" and finding.fix


def test_missing_parts_and_cut_files_fail(make_plan: MakePlan, pipeline: Pipeline) -> None:
    folder = pipeline("sd")
    plan = make_plan(models={"draft": {"backend": "text_to_image", "id": str(folder)}})
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    assert "damaged or cut short" in only(plan).text
    weights.write_bytes(whole)
    (folder / "tokenizer").rmdir()
    assert "lacks tokenizer" in only(plan).text
    (folder / "model_index.json").write_text("{")
    assert "is not JSON" in only(plan).text


def test_licensed_files_that_are_missing_say_where_they_come_from(make_plan: MakePlan) -> None:
    preset = configs.read(configs.shipped(configs.MODELS)["paper"]).values
    mesh = only(make_plan(models={"mesh": preset["mesh"]}))
    assert mesh.level == "FAIL" and "hmr2_data.tar.gz" in mesh.fix and "4D-Humans" in mesh.fix
    prior = only(make_plan(models={"prior": preset["prior"]}))
    assert prior.level == "FAIL" and "smpl-x.is.tue.mpg.de (registration" in prior.fix


def test_a_controlnet_has_to_fit_its_model(make_plan: MakePlan, pipeline: Pipeline, tmp_path: Path) -> None:
    control = write_config(
        tmp_path / "control",
        _class_name="ControlNetModel",
        cross_attention_dim=768,
        block_out_channels=[320, 640],
    )
    write_weights(control / "diffusion_pytorch_model.safetensors")
    node = {"backend": "controlnet", "id": str(pipeline("sd")), "controlnet": str(control)}
    fits = inspect_models(make_plan(models={"redraw": node})).findings
    assert [(one.level, one.subject) for one in fits] == [
        ("ok", "models.redraw"),
        ("ok", "models.redraw.controlnet"),
    ]
    other = node | {"id": str(pipeline("sd2", width=1024))}
    wrong = inspect_models(make_plan(models={"redraw": other}))
    assert wrong.findings[1].level == "FAIL" and "belongs to another family" in wrong.findings[1].text
    assert wrong.unknown == ("redraw",)
    swapped = node | {"controlnet": node["id"] + "/unet"}
    assert (
        "expected a ControlNetModel" in inspect_models(make_plan(models={"redraw": swapped})).findings[1].text
    )


def test_a_lora_has_to_be_there(make_plan: MakePlan, pipeline: Pipeline, tmp_path: Path) -> None:
    node = {"backend": "text_to_image", "id": str(pipeline("sd")), "lora": str(tmp_path / "none.safetensors")}
    findings = inspect_models(make_plan(models={"draft": node})).findings
    assert [(one.level, one.subject) for one in findings] == [
        ("ok", "models.draft"),
        ("FAIL", "models.draft.lora"),
    ]


def test_models_that_are_not_here_have_no_size(make_plan: MakePlan, offline: Path) -> None:
    inspection = inspect_models(make_plan(models={"keypoints": {"backend": "vitpose", "id": "owner/name"}}))
    assert inspection.findings[0].level == "warn" and inspection.unknown == ("keypoints",)


def test_nodes_that_the_config_complains_of_are_left_to_it(make_plan: MakePlan) -> None:
    inspection = inspect_models(make_plan(models={"draft": {"backend": "sd"}, "drft": {}}))
    assert inspection.findings == () and set(inspection.unknown) == {"draft", "drft"}


def test_backends_of_ones_own_are_not_judged(make_plan: MakePlan) -> None:
    node = {"backend": "synthgen.doctor.finding:Finding", "level": "ok", "subject": "", "text": ""}
    assert only(make_plan(models={"prior": node})).level == "warn"


def test_a_dpmesh_is_looked_at_with_its_keypoint_model(make_plan: MakePlan, tmp_path: Path) -> None:
    folder, joints = tmp_path / "mesh", vitpose(tmp_path / "joints")
    write_config(folder, architecture="DPMesh")
    write_weights(folder / "model.safetensors", 50)
    node = {"backend": "dpmesh", "id": str(folder), "keypoints": {"backend": "vitpose", "id": str(joints)}}
    found = inspect_models(make_plan(models={"mesh": node}))
    assert [finding.level for finding in found.findings] == ["ok", "ok"] and found.count == 70
    assert found.findings[1].subject == "models.mesh.keypoints"
    write_config(folder, architecture="HMR2")
    assert "is no DPMesh of ours" in inspect_models(make_plan(models={"mesh": node})).findings[0].text
    torch.save({"state_dict": {"a": torch.zeros(2)}}, tmp_path / "odd.pth.tar")
    odd = inspect_models(make_plan(models={"mesh": node | {"id": str(tmp_path / "odd.pth.tar")}})).findings[0]
    assert odd.level == "FAIL" and "github.com/EternalEvan/DPMesh" in odd.fix
