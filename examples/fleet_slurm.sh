#!/bin/bash
# A fleet on a SLURM cluster: a server for each GPU of the job.
#
#     sbatch examples/fleet_slurm.sh PROMPTS.jsonl WORKFLOW.json OUT
#
# The clone lies at one path that all nodes see, `python run.py install` was run there once, and
# `.venv/bin/python -m pip install -r requirements-fleet.txt` after it, and, so that nobody else on the
# network can use the cluster, `.venv/bin/ray get-auth-token --generate`. Submit from the clone.
#SBATCH --job-name=animatediff-fleet
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
# the last line: it stops two minutes before the end; the same command goes on where it was

set -euo pipefail
ray="$PWD/.venv/bin/ray"
nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
head="${nodes[0]}"
port=6379
export RAY_AUTH_MODE=token

srun --nodes=1 --ntasks=1 -w "$head" --overlap \
    "$ray" start --head --port="$port" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
sleep 20
for node in "${nodes[@]:1}"; do
    srun --nodes=1 --ntasks=1 -w "$node" --overlap \
        "$ray" start --address="$head:$port" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
done
sleep 20

srun --nodes=1 --ntasks=1 -w "$head" --overlap \
    .venv/bin/python fleet.py "$1" --workflow "$2" --out "$3" --address "$head:$port" &
fleet=$!
trap 'kill -TERM "$fleet"; wait "$fleet"' TERM
wait "$fleet"
