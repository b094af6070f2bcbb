"""Draws a scene with OpenGL 2.1: one shader, a pool of textures, one vertex buffer.

Everything here needs a current context. What to draw is the stage's business.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QOpenGLContext, QVector4D
from PyQt6.QtOpenGL import (
    QOpenGLBuffer,
    QOpenGLShader,
    QOpenGLShaderProgram,
    QOpenGLTexture,
    QOpenGLVersionFunctionsFactory,
    QOpenGLVersionProfile,
)
from PyQt6.sip import voidptr

from creps_core.errors import RunError
from creps_core.grid import GROUND
from creps_core.view import Size
from creps_viewer.canvas.layers import Drawn, Layer
from creps_viewer.canvas.placement import sample_transform, texels
from creps_viewer.canvas.sprite import Sprite
from creps_viewer.canvas.stage import Scene

_TRIANGLES, _TRIANGLE_STRIP, _FLOAT = 0x0004, 0x0005, 0x1406
_BLEND, _DEPTH_TEST, _DITHER, _CULL, _SCISSOR = 0x0BE2, 0x0B71, 0x0BD0, 0x0B44, 0x0C11
_RENDERER = 0x1F01
_ONE, _ONE_MINUS_SRC_ALPHA, _COLOR_BUFFER = 1, 0x0303, 0x4000

_VERTEX = """
attribute vec2 position;
attribute vec2 place;
varying vec2 at;
void main() { at = place; gl_Position = vec4(position, 0.0, 1.0); }
"""

# `at` is 0…1 over the frame's window; beyond it there is nothing
_FRAGMENT = """
uniform sampler2D samples;
uniform vec4 transform;
uniform float opacity;
varying vec2 at;
void main() {
    if (at.x < 0.0 || at.y < 0.0 || at.x > 1.0 || at.y > 1.0) discard;
    gl_FragColor = texture2D(samples, at * transform.xy + transform.zw) * opacity;
}
"""


class GlPainter:
    """The OpenGL objects of one context. Make and use it while that context is current."""

    def __init__(self, context: QOpenGLContext) -> None:
        profile = QOpenGLVersionProfile()
        profile.setVersion(2, 0)
        self._gl: Any = QOpenGLVersionFunctionsFactory.get(profile, context)
        if self._gl is None:
            raise RunError("this OpenGL context does not offer OpenGL 2")
        self._program = _program()
        self._buffer = QOpenGLBuffer(QOpenGLBuffer.Type.VertexBuffer)
        if not self._buffer.create():
            raise RunError("OpenGL did not give a vertex buffer")
        self._buffer.setUsagePattern(QOpenGLBuffer.UsagePattern.StreamDraw)
        self._layers: dict[int, QOpenGLTexture] = {}  # by layer key
        self._sprites: dict[int, QOpenGLTexture] = {}  # by image key
        self._spare: list[QOpenGLTexture] = []

    @property
    def renderer(self) -> str:
        """Who draws, in the driver's words."""
        return str(self._gl.glGetString(_RENDERER) or "")

    def paint(self, scene: Scene, alive: list[Layer]) -> float:
        """Draw `scene`; textures of layers that are not `alive` are reused. Returns upload milliseconds."""
        gl, size = self._gl, scene.size
        self._recycle(scene, {layer.key for layer in alive})
        upload = sum(self._upload(drawn.layer) for _, layers in scene.pictures for drawn in layers)
        gl.glViewport(0, 0, size.width, size.height)
        for capability in (_DEPTH_TEST, _DITHER, _CULL, _SCISSOR):
            gl.glDisable(capability)
        gl.glClearColor(*(channel / 255 for channel in GROUND), 1.0)
        gl.glClear(_COLOR_BUFFER)
        gl.glEnable(_BLEND)
        gl.glBlendFunc(_ONE, _ONE_MINUS_SRC_ALPHA)
        self._program.bind()
        self._buffer.bind()
        for pane, layers in scene.pictures:
            gl.glViewport(pane.x, 0, *pane.size)
            gl.glEnable(_SCISSOR)
            gl.glScissor(pane.left, 0, max(pane.right - pane.left, 0), size.height)
            for drawn in layers:
                self._draw_layer(drawn)
        gl.glDisable(_SCISSOR)
        gl.glViewport(0, 0, size.width, size.height)
        for sprite in scene.sprites:
            self._draw_sprite(sprite, size)
        self._buffer.release()
        self._program.release()
        gl.glDisable(_BLEND)
        return upload

    def release(self) -> None:
        """Delete everything; the context must be current."""
        for texture in (*self._layers.values(), *self._sprites.values(), *self._spare):
            texture.destroy()
        self._layers.clear()
        self._sprites.clear()
        self._spare.clear()
        self._buffer.destroy()
        self._program.removeAllShaders()

    def _recycle(self, scene: Scene, alive: set[int]) -> None:
        for key in [key for key in self._layers if key not in alive]:
            self._spare.append(self._layers.pop(key))
        while len(self._spare) > 2:
            self._spare.pop(0).destroy()
        shown = {sprite.image.cacheKey() for sprite in scene.sprites}
        for key in [key for key in self._sprites if key not in shown]:
            self._sprites.pop(key).destroy()

    def _upload(self, layer: Layer) -> float:
        if layer.key in self._layers:
            return 0.0
        began = time.perf_counter()
        pixels = texels(layer.frame)
        height, width = pixels.shape[:2]
        fitting = [t for t in self._spare if (t.width(), t.height()) == (width, height)]
        if fitting:
            self._spare.remove(fitting[0])
        texture = fitting[0] if fitting else _texture(width, height)
        _fill(texture, pixels.ctypes.data)
        self._layers[layer.key] = texture
        return 1e3 * (time.perf_counter() - began)

    def _draw_layer(self, drawn: Drawn) -> None:
        frame, placement = drawn.layer.frame, drawn.placement
        texture = self._layers[drawn.layer.key]
        kind = QOpenGLTexture.Filter.Nearest if placement.exact else QOpenGLTexture.Filter.Linear
        texture.setMinMagFilters(kind, kind)
        su, ou, sv, ov = sample_transform(frame)
        transform = QVector4D(su * frame.size.width, sv * frame.size.height, ou, ov)
        lattice = placement.lattice / np.array(frame.size, dtype=np.float64)
        self._draw(texture, _mesh(lattice), _TRIANGLES, transform, drawn.opacity)

    def _draw_sprite(self, sprite: Sprite, size: Size) -> None:
        image = sprite.image
        key = image.cacheKey()
        if key not in self._sprites:
            texture = _texture(image.width(), image.height())
            texture.setMinMagFilters(QOpenGLTexture.Filter.Nearest, QOpenGLTexture.Filter.Nearest)
            bits = image.constBits()
            assert bits is not None
            _fill(texture, int(bits))
            self._sprites[key] = texture
        x0, x1 = (2 * x / size.width - 1 for x in (sprite.x, sprite.x + image.width()))
        y0, y1 = (1 - 2 * y / size.height for y in (sprite.y, sprite.y + image.height()))
        corners = np.array([[x0, y0, 0, 0], [x1, y0, 1, 0], [x0, y1, 0, 1], [x1, y1, 1, 1]], dtype=np.float32)
        self._draw(self._sprites[key], corners, _TRIANGLE_STRIP, QVector4D(1, 1, 0, 0), sprite.opacity)

    def _draw(
        self,
        texture: QOpenGLTexture,
        vertices: NDArray[np.float32],
        mode: int,
        transform: QVector4D,
        opacity: float,
    ) -> None:
        """Draw vertices [n, 4]: position in clip space, place in the texture's window."""
        if not len(vertices):
            return
        program, vertices = self._program, np.ascontiguousarray(vertices)
        self._buffer.allocate(voidptr(vertices.ctypes.data), vertices.nbytes)
        for name, offset in (("position", 0), ("place", 8)):
            location = program.attributeLocation(name)
            program.enableAttributeArray(location)
            program.setAttributeBuffer(location, _FLOAT, offset, 2, 16)
        program.setUniformValue("samples", 0)
        program.setUniformValue("transform", transform)
        program.setUniformValue("opacity", float(opacity))
        texture.bind(0)
        self._gl.glDrawArrays(mode, 0, len(vertices))
        texture.release(0)


def _program() -> QOpenGLShaderProgram:
    program = QOpenGLShaderProgram()
    for kind, source in (
        (QOpenGLShader.ShaderTypeBit.Vertex, _VERTEX),
        (QOpenGLShader.ShaderTypeBit.Fragment, _FRAGMENT),
    ):
        if not program.addShaderFromSourceCode(kind, source):
            raise RunError(f"OpenGL does not take the canvas's shader: {program.log().strip()}")
    if not program.link():
        raise RunError(f"OpenGL does not link the canvas's shader: {program.log().strip()}")
    return program


def _texture(width: int, height: int) -> QOpenGLTexture:
    texture = QOpenGLTexture(QOpenGLTexture.Target.Target2D)
    texture.setFormat(QOpenGLTexture.TextureFormat.RGBA8_UNorm)
    texture.setSize(width, height)
    texture.setMipLevels(1)
    texture.allocateStorage(QOpenGLTexture.PixelFormat.RGBA, QOpenGLTexture.PixelType.UInt8)
    if not texture.isStorageAllocated():
        raise RunError("OpenGL did not give a texture")
    texture.setWrapMode(QOpenGLTexture.WrapMode.ClampToEdge)
    return texture


def _fill(texture: QOpenGLTexture, address: int) -> None:
    texture.setData(QOpenGLTexture.PixelFormat.RGBA, QOpenGLTexture.PixelType.UInt8, voidptr(address))


def _mesh(places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Triangles over the window, [n, 4] (position, place), of a lattice of places [rows + 1, columns + 1, 2].

    Cells with a corner that is nowhere, or that lie beside the frame, are left out.
    """
    rows, columns = places.shape[0] - 1, places.shape[1] - 1
    x, y = np.meshgrid(np.linspace(-1, 1, columns + 1), np.linspace(1, -1, rows + 1))
    points = np.concatenate([np.stack([x, y], axis=-1), places], axis=-1)
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    cells = np.stack([a, b, c, c, b, d], axis=2).reshape(-1, 6, 4)
    u, v = cells[..., 2], cells[..., 3]
    seen = np.isfinite(cells).all(axis=(1, 2))
    seen &= ~((u < 0).all(axis=1) | (u > 1).all(axis=1) | (v < 0).all(axis=1) | (v > 1).all(axis=1))
    return cells[seen].reshape(-1, 4).astype(np.float32)
