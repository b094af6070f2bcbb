#!/bin/sh
# The system's part of the set-up on Linux: what Qt, OpenGL and the virtual screen of the tests load at run time.
# Debian or Ubuntu and root: installs what is missing. Otherwise: one line that names it. Nothing missing: silent.
# Usage: system_packages.sh PYTHON
PATH="$PATH:/usr/sbin:/sbin"
[ "$(uname -s)" = Linux ] || exit 0

missing=""
need() { missing="$missing $1"; }

# library → Debian package; the list is what Qt's xcb platform plugin, QtGui and QtDBus link against.
loaded="$(ldconfig -p 2>/dev/null)"
while read -r library package; do
    case "$loaded" in
    *"$library "*) ;;
    *) need "$package" ;;
    esac
done <<LIST
libEGL.so.1 libegl1
libGL.so.1 libgl1
libGLX_mesa.so.0 libglx-mesa0
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libglib-2.0.so.0 libglib2.0-0
libX11-xcb.so.1 libx11-xcb1
libxkbcommon.so.0 libxkbcommon0
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxcb-cursor.so.0 libxcb-cursor0
libxcb-glx.so.0 libxcb-glx0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-render.so.0 libxcb-render0
libxcb-shape.so.0 libxcb-shape0
libxcb-shm.so.0 libxcb-shm0
libxcb-sync.so.1 libxcb-sync1
libxcb-util.so.1 libxcb-util1
libxcb-xfixes.so.0 libxcb-xfixes0
libxcb-xkb.so.1 libxcb-xkb1
LIST
# OpenGL without a GPU's own driver, the fonts of the window, and the screen of the tests.
[ -n "$(find /usr/lib /usr/lib64 -path '*/dri/*_dri.so' 2>/dev/null | head -n 1)" ] || need libgl1-mesa-dri
[ -n "$(find /usr/share/fonts /usr/local/share/fonts -name '*.[to]tf' 2>/dev/null | head -n 1)" ] || need fonts-dejavu-core
command -v fc-match >/dev/null 2>&1 || need fontconfig
command -v Xvfb >/dev/null 2>&1 || need xvfb
# Debian keeps a part of venv in a package of its own.
"$1" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    need "python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"

[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "creps: installing system packages:$missing" >&2
    # shellcheck disable=SC2086  # a list of words
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing; } \
        >/dev/null && exit 0
fi
if command -v apt-get >/dev/null 2>&1; then
    echo "creps: these system packages are missing: sudo apt-get install$missing" >&2
else
    echo "creps: the system lacks (Debian's names; install your system's equivalents):$missing" >&2
fi
exit 0
