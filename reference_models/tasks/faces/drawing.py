"""Drawing faces: from what a person looks like, and what the face does, to grey pixels.

All faces of a batch are drawn at once. A face lies in a plane with x to the right, y down, the middle of the head at 0
and its top at about -1; the pixels of a picture look at that plane. Parts are painted over one another: background,
head with the light on it, hair, brows, eyes, nose, mouth, and what else a face may carry. Each part is a shape whose
edge is soft, about a pixel wide. A head turned to the side moves what is near to us, the nose most, against what is
far.
"""

from typing import NamedTuple

import numpy as np

from refmem.arrays import Array

from reference_models.tasks.faces.expressions import SIDE

REACH = 1.02  # of the picture, in units of the plane, from its middle
PIXEL = 2 * REACH / SIDE


class Person(NamedTuple):
    """What stays the same in every picture of a person. Each field is [n], one number a picture."""

    width: Array  # of the head
    height: Array
    jaw: Array  # exponent of the outline: 2 an ellipse, more is square
    skin: Array  # how light, 0 to 1
    hair: Array
    hairline: Array  # y
    parting: Array  # how far the hairline leans
    eye_height: Array  # y
    eye_apart: Array  # x of the eyes
    eye_width: Array
    eye_open: Array
    eye_slant: Array
    iris: Array  # how light
    brow_height: Array  # above the eye
    brow_thick: Array
    brow_tilt: Array  # inner ends down
    nose_length: Array
    nose_width: Array
    mouth_height: Array  # y
    mouth_width: Array
    lips: Array  # thickness
    lip_tone: Array  # how much darker than the skin
    mouth_rest: Array  # the curve of the mouth at rest: some seem to smile, others to sulk
    crooked: Array  # how much one side of the face does more than the other
    beard: Array  # 0 none to 1
    moustache: Array
    glasses: Array  # 0 or 1
    age: Array  # how deep lines are


class Action(NamedTuple):
    """What the face does; 0 is a face at rest. Each field is [n]."""

    corners: Array  # of the mouth, up
    stretch: Array  # of the mouth, sideways
    open: Array  # the mouth
    lip_up: Array  # the upper lip
    teeth: Array  # 0 to 1
    lids: Array  # how far the eyes are open, times what they are at rest, less 1
    brows: Array  # up
    frown: Array  # the inner ends of the brows down and together
    wrinkle: Array  # of the nose, and folds beside it
    cheeks: Array  # up


class Shot(NamedTuple):
    """How the picture was taken. Each field is [n]."""

    turn: Array  # of the head, in radians, to our right
    nod: Array
    roll: Array
    shift_x: Array
    shift_y: Array
    scale: Array
    light_x: Array  # where the light comes from
    light_y: Array
    ambient: Array  # share of the light that comes from everywhere
    exposure: Array
    contrast: Array
    background: Array
    noise: Array  # standard deviation
    grain: Array  # [n, SIDE, SIDE] standard normal


def draw(person: Person, action: Action, shot: Shot) -> Array:
    """The pictures, [n, SIDE, SIDE] uint8."""
    p, a, s = Person(*map(_planes, person)), Action(*map(_planes, action)), Shot(*map(_planes, shot))
    x, y = _plane(s)  # [n, SIDE, SIDE]
    picture = s.background + 0.08 * y + 0.05 * s.light_x * x
    light = _light(p, s, x, y)
    picture = _head(picture, p, a, s, x, y, light)
    picture = _eyes(picture, p, a, s, x, y, light)
    picture = _nose(picture, p, a, s, x, y, light)
    picture = _mouth(picture, p, a, s, x, y, light)
    picture = (picture - 0.5) * s.contrast + 0.5 + s.exposure + s.noise * s.grain
    pixels: Array = np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)
    return pixels


# --- Geometry ---------------------------------------------------------------------------------------------------


def _planes(field: Array) -> Array:
    """[n] as [n, 1, 1], in float32."""
    field = np.asarray(field, np.float32)
    return field if field.ndim == 3 else field[:, None, None]


def _plane(s: Shot) -> tuple[Array, Array]:
    """Where each pixel looks at the plane: x and y [n, SIDE, SIDE]."""
    ticks = ((np.arange(SIDE) + 0.5) * PIXEL - REACH).astype(np.float32)
    u, v = (ticks[None, None, :] - s.shift_x) / s.scale, (ticks[None, :, None] - s.shift_y) / s.scale
    cos, sin = np.cos(s.roll), np.sin(s.roll)
    return u * cos + v * sin, v * cos - u * sin


def _seen(p: Person, s: Shot, x: Array, y: Array, out: float = 0.0) -> tuple[Array, Array, Array]:
    """Where a point (x, y) of the face is seen on a turned head, and how much narrower; `out`: it sticks out so far."""
    depth = 0.75 * np.sqrt(np.maximum(1 - (x / (1.15 * p.width)) ** 2 - (y / (1.3 * p.height)) ** 2, 0.05)) + out
    seen_x: Array = x * np.cos(s.turn) + depth * np.sin(s.turn)
    seen_y = y * np.cos(s.nod) + 0.6 * depth * np.sin(s.nod)
    narrower = np.clip(np.cos(s.turn + np.arcsin(np.clip(x / (1.2 * p.width), -0.95, 0.95))) /
                       np.cos(np.arcsin(np.clip(x / (1.2 * p.width), -0.95, 0.95))), 0.55, 1.25)
    return seen_x, seen_y, narrower


def _inside(distance: Array, soft: float = 1.0) -> Array:
    """1 where `distance`, in units of the plane, is positive, 0 where negative; soft over so many pixels."""
    inside: Array = np.clip(distance / (soft * PIXEL) + 0.5, 0, 1)
    return inside


def _blob(x: Array, y: Array, wide: Array | float, high: Array | float, soft: float = 1.0) -> Array:
    """An ellipse around 0."""
    radius = np.sqrt((x / wide) ** 2 + (y / high) ** 2)
    return _inside((1 - radius) * np.minimum(wide, high, dtype=np.float32), soft)


def _paint(picture: Array, tone: Array | float, where: Array) -> Array:
    return picture + (tone - picture) * where


# --- The parts --------------------------------------------------------------------------------------------------


def _light(p: Person, s: Shot, x: Array, y: Array) -> Array:
    """How much light falls on a head that is round: about 1 on average."""
    nx, ny = x / (1.1 * p.width), y / (1.25 * p.height)
    nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0.04))
    lz = np.sqrt(np.maximum(1 - s.light_x**2 - s.light_y**2, 0.05))
    direct = np.maximum(nx * s.light_x + ny * s.light_y + nz * lz, 0)
    light: Array = s.ambient + (1.35 - s.ambient) * direct
    return light


def _head(picture: Array, p: Person, a: Action, s: Shot, x: Array, y: Array, light: Array) -> Array:
    """Neck, head, hair, beard and lines."""
    middle = 0.12 * np.sin(s.turn)
    below = np.maximum(y, 0)
    stretched = y - 0.10 * np.maximum(a.open, 0) * below  # an open mouth lengthens the chin
    width = p.width * (1 - 0.16 * (below / p.height) ** 2)
    outline = (np.abs((x - middle) / width) ** p.jaw + np.abs(stretched / p.height) ** p.jaw) ** (1 / p.jaw)
    head = _inside((1 - outline) * p.width, 1.3)
    neck = _inside(0.55 * p.width - np.abs(x - 0.5 * middle)) * _inside(y - 0.3)
    around = _blob(x - middle, y + 0.12, p.width * 1.16, p.height * 1.05, 2.0)
    around = around * _inside(0.25 + 0.3 * p.parting - y, 6.0)
    picture = _paint(picture, p.hair * (0.5 + 0.5 * light), around)
    picture = _paint(picture, p.skin * 0.62 * s.ambient, neck)
    picture = _paint(picture, p.skin * light, head)
    line = p.hairline + p.parting * (x - middle) + 0.25 * ((x - middle) / p.width) ** 2
    picture = _paint(picture, p.hair * (0.4 + 0.6 * light), head * _inside(line - y, 2.0))
    jaw = np.clip((np.sqrt(((x - middle) / p.width) ** 2 + ((y - 0.15) / p.height) ** 2) - 0.52) * 4, 0, 1)
    picture = _paint(picture, p.hair * 0.8 * light, head * jaw * p.beard * _inside(y - 0.12, 5.0))
    wrinkles = 0.08 * p.age * np.exp(-((y + 0.48 + 0.05 * a.brows) / 0.03) ** 2) * (1 + 3 * np.maximum(a.brows, 0))
    picture = picture - wrinkles * head * np.exp(-((x - middle) / 0.4) ** 2)
    return picture


def _eyes(picture: Array, p: Person, a: Action, s: Shot, x: Array, y: Array, light: Array) -> Array:
    """Eyes, brows, glasses, and the cheeks that push them from below."""
    for side in (-1, 1):
        more = 1 + side * p.crooked
        at_x, at_y, narrower = _seen(p, s, side * p.eye_apart, p.eye_height)
        dx, dy = (x - at_x) / narrower, y - at_y
        wide = p.eye_width
        lids = np.maximum(p.eye_open * (1 + a.lids * more), 0.006)
        slant = dy + side * p.eye_slant * dx
        socket = _blob(dx, dy + 0.02, wide * 1.5, p.eye_open * 3.2, 6.0)
        picture = _paint(picture, p.skin * 0.72 * light, 0.45 * socket)
        lower = lids * (0.8 - 0.5 * np.maximum(a.cheeks, 0))
        opening = _inside(np.where(slant < 0, lids, lower) * (1 - np.minimum((dx / wide) ** 2, 1)) - np.abs(slant), 0.9)
        opening = opening * _inside(wide - np.abs(dx))
        eye = _paint(0.86 * light * np.ones_like(dx), p.iris * light, _blob(dx, dy, 0.052, 0.052))
        eye = _paint(eye, 0.04, _blob(dx, dy, 0.024, 0.024))
        picture = _paint(picture, eye, opening)
        lid = np.exp(-((slant + lids * (1 - np.minimum((dx / wide) ** 2, 1))) / 0.022) ** 2)
        lid = lid * _inside(wide - np.abs(dx))
        picture = _paint(picture, 0.25 * p.skin * light, 0.75 * lid)
        bag = np.exp(-((dy - 0.10 - lower + 0.03 * a.cheeks) / 0.025) ** 2) * _inside(wide * 1.2 - np.abs(dx), 3.0)
        folded = 0.04 * p.age + 0.10 * np.maximum(a.cheeks, 0) + 0.08 * np.maximum(-a.lids, 0)
        picture = picture - folded * bag * light

        brow_y = p.eye_height - p.brow_height - 0.11 * a.brows * more + 0.06 * a.frown
        at_x, at_y, narrower = _seen(p, s, side * (p.eye_apart * (1 - 0.12 * a.frown) + 0.01), brow_y)
        dx, dy = side * (x - at_x) / narrower, y - at_y  # dx grows outwards
        arch = dy + (0.25 + 0.5 * np.maximum(a.brows, 0)) * (0.05 - 1.2 * dx * dx)
        arch = arch + (p.brow_tilt + 0.55 * a.frown - 0.1 * a.brows) * (dx + 0.02)
        brow = _inside(p.brow_thick * (1 - 0.35 * dx / wide) - np.abs(arch)) * _inside(wide * 1.25 - np.abs(dx), 2.0)
        picture = _paint(picture, (0.15 + 0.6 * p.hair) * p.skin * light, 0.9 * brow)

        at_x, at_y, narrower = _seen(p, s, side * p.eye_apart, p.eye_height, out=0.12)
        ring = np.sqrt(((x - at_x) / (0.22 * narrower)) ** 2 + ((y - at_y - 0.02) / 0.17) ** 2)
        picture = _paint(picture, 0.12, p.glasses * _inside(0.028 - 0.19 * np.abs(ring - 1)))
    bridge = _inside(0.02 - np.abs(y - p.eye_height)) * _inside(p.eye_apart - 0.2 - np.abs(x - 0.8 * np.sin(s.turn)))
    return _paint(picture, 0.12, p.glasses * bridge)


def _nose(picture: Array, p: Person, a: Action, s: Shot, x: Array, y: Array, light: Array) -> Array:
    """The shadow beside it, the nostrils, the wrinkles across it, and the folds down to the mouth."""
    tip_y = p.eye_height + p.nose_length - 0.035 * a.wrinkle
    at_x, at_y, _ = _seen(p, s, 0 * tip_y, tip_y, out=0.16)
    top_x, top_y, _ = _seen(p, s, 0 * tip_y, p.eye_height, out=0.05)
    along = np.clip((y - top_y) / (at_y - top_y), 0, 1)
    ridge = top_x + along * (at_x - top_x)
    shaded = -np.sign(s.light_x)
    flank = np.exp(-((x - ridge - shaded * p.nose_width * (0.35 + 0.5 * along)) / 0.05) ** 2)
    length = _inside(y - top_y, 4.0) * _inside(at_y + 0.03 - y, 2.0)
    picture = picture - (0.05 + 0.22 * np.abs(s.light_x)) * p.skin * flank * length
    picture = picture + 0.07 * p.skin * np.exp(-((x - ridge) / 0.035) ** 2) * length
    for side in (-1, 1):
        width = p.nose_width * (1 + 0.25 * a.wrinkle)
        nostril = _blob(x - at_x - side * 0.55 * width, y - at_y - 0.015, 0.042, 0.026)
        picture = _paint(picture, 0.3 * p.skin * light, 0.8 * nostril)
        fold_x = at_x + side * (width + 0.05 + (0.5 + 0.4 * a.stretch) * np.maximum(y - at_y + 0.05, 0))
        fold = np.exp(-((x - fold_x) / 0.03) ** 2) * _inside(y - at_y + 0.08) * _inside(at_y + 0.27 - y, 3.0)
        depth = 0.05 * p.age + 0.16 * np.maximum(a.wrinkle, 0) + 0.12 * np.maximum(a.cheeks, 0)
        picture = picture - depth * p.skin * light * fold
    for row in (0.25, 0.42):
        across = np.exp(-((y - top_y - row * (at_y - top_y)) / 0.016) ** 2) * _inside(0.10 - np.abs(x - ridge), 2.0)
        picture = picture - 0.20 * np.maximum(a.wrinkle, 0) * p.skin * light * across
    return picture


def _mouth(picture: Array, p: Person, a: Action, s: Shot, x: Array, y: Array, light: Array) -> Array:
    """Lips, teeth, the dark between them, and the moustache."""
    centre_y = p.mouth_height + 0.10 * np.maximum(a.open, 0) - 0.03 * a.lip_up
    at_x, at_y, narrower = _seen(p, s, 0 * centre_y, centre_y, out=0.05)
    half = p.mouth_width * (1 + 0.25 * a.stretch) * narrower
    dx = np.clip((x - at_x) / half, -1, 1)
    bow = 1 - dx * dx
    curve = p.mouth_rest + 0.13 * a.corners
    middle = at_y + curve * (0.4 - dx * dx) + 0.06 * p.crooked * dx * (np.abs(a.corners) + np.abs(a.lip_up))
    upper = middle - (0.07 * np.maximum(a.open, 0) + 0.055 * np.maximum(a.lip_up, 0) * (0.4 + np.abs(dx))) * bow
    lower = middle + 0.24 * np.maximum(a.open, 0) * np.sqrt(bow) + 0.02 * np.maximum(a.lip_up, 0) * bow
    within = _inside(1 - np.abs((x - at_x) / half), 3.0)
    lips = p.lips * (0.55 + 0.45 * bow)
    on_lips = _inside(y - upper + lips) * _inside(lower + 1.15 * lips - y) * within
    picture = _paint(picture, p.skin * (1 - p.lip_tone) * light, 0.85 * on_lips)
    gap = np.maximum(lower - upper, 0)
    between = _inside(y - upper) * _inside(lower - y) * within * np.clip(gap / 0.04, 0, 1)
    picture = _paint(picture, 0.07, between)
    teeth = _inside(upper + np.minimum(0.075, 0.8 * gap) - y) * between * a.teeth
    picture = _paint(picture, 0.82 * light, 0.95 * teeth)
    crease = np.exp(-((y - middle) / 0.018) ** 2) * within * (1 - np.clip(gap / 0.05, 0, 1))
    picture = _paint(picture, 0.22 * p.skin * light, 0.8 * crease)
    shadow = np.exp(-((y - lower - 1.9 * lips - 0.04) / 0.03) ** 2) * within * bow
    picture = picture - 0.07 * p.skin * light * shadow
    on_lip = _inside(0.045 - np.abs(y - upper + lips + 0.05)) * _inside(0.85 - np.abs((x - at_x) / half), 2.0)
    return _paint(picture, p.hair * 0.8 * light, p.moustache * on_lip)
