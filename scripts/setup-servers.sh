#!/usr/bin/env bash
# Installs the Debian packages that some tests use. Safe to run again.
set -euo pipefail

PACKAGES=(strace bsdutils)

missing=()
for package in "${PACKAGES[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "already installed: ${PACKAGES[*]}"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "error: no apt-get here; install by other means: ${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "error: installing needs root" >&2
  echo "hint: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -q --no-install-recommends "${missing[@]}"; }
# The package lists may be absent or old; fetch them only then.
install || { apt-get update -q && install; }
