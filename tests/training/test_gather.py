"""Joint batches of two processes: the loss and the gradient of one process with all views."""

import multiprocessing
from pathlib import Path

import pytest
import torch
import torch.distributed

from rs3l_gnn.training.gather import gather_embeddings
from rs3l_gnn.training.losses import nt_xent


def weights_and_inputs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, 4, generator=generator), torch.randn(16, 6, generator=generator)


def one_rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    weight, x = weights_and_inputs()
    weight.requires_grad_()
    loss = nt_xent(gather_embeddings(x[rank * 8 : (rank + 1) * 8] @ weight))
    gradient = torch.autograd.grad(loss, weight)[0]
    torch.distributed.all_reduce(gradient)  # the mean that DistributedDataParallel takes
    torch.save((loss.detach(), gradient / 2), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_one_process_is_left_alone() -> None:
    z = torch.ones(3, 2)
    assert gather_embeddings(z) is z


def test_two_processes_give_the_joint_loss_and_gradient(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=one_rank, args=(rank, str(tmp_path))) for rank in (0, 1)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join()
    assert [process.exitcode for process in ranks] == [0, 0]
    weight, x = weights_and_inputs()
    weight.requires_grad_()
    loss = nt_xent(x @ weight)
    gradient = torch.autograd.grad(loss, weight)[0]
    for rank in (0, 1):
        other_loss, other_gradient = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert other_loss.item() == pytest.approx(loss.item(), abs=1e-6)
        torch.testing.assert_close(other_gradient, gradient, atol=1e-6, rtol=1e-5)
