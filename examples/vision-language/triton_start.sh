#!/usr/bin/env bash
# Starts the server with the models of this folder, on the GPU where there is one:
#
#   ./triton_start.sh [--docker] [--print] [FLAGS OF THE SERVER...]
#
# --docker  in a container, by docker compose; there, flags of the server stand in the compose file
# --print   only prints the command
# TRITON_PYTHON names the Python that runs the models; default python3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The driver's own tool, then what the driver leaves behind where the tool is not installed.
has_gpu() {
  if command -v nvidia-smi > /dev/null; then
    nvidia-smi --list-gpus 2> /dev/null | grep -q '^GPU'
    return
  fi
  local device
  for device in "${NVIDIA_DEVICES:-/dev}"/nvidia[0-9]*; do
    [[ -e $device ]] && return
  done
  return 1
}

docker=false
print=false
flags=()
for argument in "$@"; do
  case $argument in
    --docker) docker=true ;;
    --print) print=true ;;
    *) flags+=("$argument") ;;
  esac
done

if has_gpu; then place=GPU; else place=CPU; fi
if $docker; then
  compose=docker-compose.yml
  if [[ $place == CPU ]]; then compose=docker-compose-cpu.yml; fi
  command=(docker compose -f "$here/$compose" up -d --build)
  if ((${#flags[@]} > 0)); then
    echo "with --docker, put flags of the server into $compose: ${flags[*]}" >&2
    exit 2
  fi
else
  command=(
    node "$here/../../tools/start.cjs"
    "--model-repository=$here/triton_models"
    --model-control-mode=lazy
    --model-idle-unload-secs=1800
  )
  if [[ $place == CPU ]]; then command+=(--allow-cpu-fallback=true); fi
  if [[ -n ${TRITON_PYTHON:-} ]]; then
    command+=("--backend-config=python,python-runtime=$TRITON_PYTHON")
  fi
  command+=(${flags[@]+"${flags[@]}"})
fi

echo "$place: ${command[*]}" >&2
if $print; then exit; fi
exec "${command[@]}"
