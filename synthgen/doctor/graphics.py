"""What draws bodies: pyrender over EGL where it is asked for or can be had, else Warp."""

from synthgen.doctor.finding import Finding
from synthgen.doctor.plan import Plan


def examine_renderer(plan: Plan) -> list[Finding]:
    """Resolve the renderer as the run would, and start what it needs on the device."""
    from synthgen.render.renderer import resolve_renderer
    from synthgen.render.scenery import start_warp

    try:
        name = resolve_renderer(plan.renderer)
    except ValueError as error:
        return [Finding("FAIL", "renderer", _first_line(error), "renderer=auto takes what there is")]
    device = "cuda:0" if plan.is_on_gpu else "cpu"
    try:
        start_warp(device)
    except ValueError as error:
        fix = "device=cpu, or see that the driver of the GPU is there (nvidia-smi)"
        return [Finding("FAIL", "renderer", _first_line(error), fix)]
    why = "" if plan.renderer == name else f" ({plan.renderer}: the best that there is here)"
    return [Finding("ok", "renderer", f"{name} on {device}{why}")]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
