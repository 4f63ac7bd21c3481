"""Where the weights of FID's Inception come from; nobody else's file has them."""

NAME = "pt_inception-2015-12-05-6726825d.pth"
SHA256_START = "6726825d"  # as the file's name says
WANTED = "the Inception v3 of FID"
WHERE = (
    f"Needed: {WANTED}, {NAME} (95 MB, Apache-2.0), from "
    "github.com/mseitzer/pytorch-fid/releases/download/fid_weights; torch-fidelity's "
    f"weights-inception-2015-12-05-{SHA256_START}.pth is the same file"
)
