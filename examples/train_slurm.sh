#!/bin/bash
# One training on all GPUs of several SLURM nodes.
#
#     sbatch examples/train_slurm.sh RUN.toml
#
# The clone, the clips and the folders of RUN.toml lie at paths that all nodes see. In RUN.toml
# batch_size is a multiple of the number of GPUs, and on a network of 10 Gbit/s or less
# gradient_exchange is "bf16". Submit from the clone. A job that was ended early goes on from its
# last checkpoint (save_every) with `sbatch examples/train_slurm.sh RUN.toml --resume`.
#SBATCH --job-name=animatediff-training
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=12:00:00

set -euo pipefail
head="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"
gpus="${SLURM_GPUS_PER_NODE##*:}"

# With Accelerate's launcher instead of torchrun:
#   accelerate launch --multi_gpu --num_machines "$SLURM_NNODES" \
#     --num_processes "$((SLURM_NNODES * gpus))" --machine_rank "$SLURM_NODEID" \
#     --rdzv_backend c10d --main_process_ip "$head" --main_process_port 29500 \
#     --mixed_precision no --dynamo_backend no train.py RUN.toml
# in one srun, where SLURM_NODEID is that of each node: srun bash -c '...'
srun .venv/bin/python -m torch.distributed.run \
    --nnodes="$SLURM_NNODES" --nproc-per-node="$gpus" \
    --rdzv-id="$SLURM_JOB_ID" --rdzv-backend=c10d --rdzv-endpoint="$head:29500" \
    train.py "$@"
