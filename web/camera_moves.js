// The camera moves that MotionLoRAs are made for: their signs, how their files are called, and what
// is seen while they play. As training/data/camera_moves.py has them.

const [ZOOM, PAN, TILT, ROLL] = [1.45, 0.3, 0.24, (26 * Math.PI) / 180];

// says: the key of its name in words.js. file: what the names of its files hold, those of the
// authors ("v2_lora_ZoomIn.ckpt"), of diffusers ("zoom-in") and of the small world ("zoom_in"). pose:
// the picture at u from 0 to 1, as it is seen: shifted by x and y of its size, larger by `scale`,
// turned clockwise by `angle`.
export const MOVES = [
  {
    name: "zoom in",
    says: "camera.zoom_in",
    sign: "+",
    file: /zoom[ _-]?in(?!g)/i,
    pose: (u) => ({ scale: ZOOM ** u }),
  },
  {
    name: "zoom out",
    says: "camera.zoom_out",
    sign: "−",
    file: /zoom[ _-]?out/i,
    pose: (u) => ({ scale: ZOOM ** (1 - u) }),
  },
  {
    name: "pan left",
    says: "camera.pan_left",
    sign: "←",
    file: /pan[ _-]?left/i,
    pose: (u) => ({ x: PAN * (u - 0.5) }),
  },
  {
    name: "pan right",
    says: "camera.pan_right",
    sign: "→",
    file: /pan[ _-]?right/i,
    pose: (u) => ({ x: -PAN * (u - 0.5) }),
  },
  {
    name: "tilt up",
    says: "camera.tilt_up",
    sign: "↑",
    file: /tilt[ _-]?up/i,
    pose: (u) => ({ y: TILT * (u - 0.5) }),
  },
  {
    name: "tilt down",
    says: "camera.tilt_down",
    sign: "↓",
    file: /tilt[ _-]?down/i,
    pose: (u) => ({ y: -TILT * (u - 0.5) }),
  },
  {
    name: "roll anticlockwise",
    says: "camera.roll_anticlockwise",
    sign: "↺",
    file: /roll(ing)?[ _-]?((anti|counter)[ _-]?clockwise|ccw)/i,
    pose: (u) => ({ angle: -ROLL * (u - 0.5) }),
  },
  {
    name: "roll clockwise",
    says: "camera.roll_clockwise",
    sign: "↻",
    file: /roll(ing)?[ _-]?(clockwise|cw)/i,
    pose: (u) => ({ angle: ROLL * (u - 0.5) }),
  },
];

const OURS = "small_world_";

// The move that a file is for, undefined where its name says none.
export function moveOf(file) {
  return MOVES.find((move) => move.file.test(baseName(file)));
}

// The file for a move, undefined where none is there.   files: those of the list; motionModel: the
// one that it goes on, where that is known; chosen: the file that is chosen now, whose kind is kept.
// Files of the small world fit its own motion model alone, and no others fit that one.
export function fileFor(move, files, motionModel, chosen = "") {
  const fit = files.filter((file) => move.file.test(baseName(file)) && fits(file, motionModel));
  const kind = moveOf(chosen) && rest(chosen);
  return fit.find((file) => rest(file) === kind) ?? fit.find((file) => !isOurs(file)) ?? fit[0];
}

function fits(file, motionModel) {
  return !motionModel || isOurs(file) === isOurs(motionModel);
}

function isOurs(file) {
  return baseName(file).startsWith(OURS);
}

// What is left of a name without its move: the same for all files of one making.
function rest(file) {
  return String(file).replace(moveOf(file)?.file ?? "", "");
}

function baseName(file) {
  return String(file).split(/[\\/]/).pop();
}

// Where a point of the picture is seen.   point: [x, y] from the middle, in pictures; -> the same
export function seen([x, y], { x: dx = 0, y: dy = 0, scale = 1, angle = 0 }) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [scale * (cos * x - sin * y) + dx, scale * (sin * x + cos * y) + dy];
}
