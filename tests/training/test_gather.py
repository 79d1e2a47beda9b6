"""Joint batches of two processes: the loss and the gradient of one process with all views."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rs3l_gnn.training.gather import gather_embeddings
from rs3l_gnn.training.losses import nt_xent

# A script of its own: a child process cannot import this module, whose name depends on how pytest was called.
_RANK = """
import sys
import torch, torch.distributed
from rs3l_gnn.training.gather import gather_embeddings
from rs3l_gnn.training.losses import nt_xent

rank, folder = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
weight, x = torch.load(f"{folder}/inputs.pt")
weight.requires_grad_()
loss = nt_xent(gather_embeddings(x[rank * 8 : (rank + 1) * 8] @ weight))
gradient = torch.autograd.grad(loss, weight)[0]
torch.distributed.all_reduce(gradient)  # the mean that DistributedDataParallel takes
torch.save((loss.detach(), gradient / 2), f"{folder}/{rank}.pt")
torch.distributed.destroy_process_group()
"""


def test_one_process_is_left_alone() -> None:
    z = torch.ones(3, 2)
    assert gather_embeddings(z) is z


def test_two_processes_give_the_joint_loss_and_gradient(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    weight, x = torch.randn(6, 4, generator=generator), torch.randn(16, 6, generator=generator)
    torch.save((weight, x), tmp_path / "inputs.pt")
    ranks = [
        subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-c", _RANK, str(rank), str(tmp_path)], stderr=subprocess.PIPE
        )
        for rank in (0, 1)
    ]
    errors = [process.communicate()[1].decode() for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0], errors
    weight.requires_grad_()
    loss = nt_xent(x @ weight)
    gradient = torch.autograd.grad(loss, weight)[0]
    for rank in (0, 1):
        other_loss, other_gradient = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert other_loss.item() == pytest.approx(loss.item(), abs=1e-6)
        torch.testing.assert_close(other_gradient, gradient, atol=1e-6, rtol=1e-5)
