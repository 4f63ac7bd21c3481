"use strict";
// Draws triangle meshes into a canvas: perspective, depth buffer, smooth shading. No GPU is needed.
const Mesh = (() => {
  const COLORS = [[86, 180, 233], [230, 159, 0], [0, 158, 115], [204, 121, 167], [0, 114, 178], [213, 94, 0], [240, 228, 66]];

  // Returns one unit normal for each vertex, from the triangles around it.
  function normals(vertices, faces) {
    const out = new Float32Array(vertices.length);
    for (let f = 0; f < faces.length; f += 3) {
      const a = 3 * faces[f], b = 3 * faces[f + 1], c = 3 * faces[f + 2];
      const ux = vertices[b] - vertices[a], uy = vertices[b + 1] - vertices[a + 1], uz = vertices[b + 2] - vertices[a + 2];
      const vx = vertices[c] - vertices[a], vy = vertices[c + 1] - vertices[a + 1], vz = vertices[c + 2] - vertices[a + 2];
      const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
      out[a] += nx; out[a + 1] += ny; out[a + 2] += nz;
      out[b] += nx; out[b + 1] += ny; out[b + 2] += nz;
      out[c] += nx; out[c + 1] += ny; out[c + 2] += nz;
    }
    for (let i = 0; i < out.length; i += 3) {
      const length = Math.sqrt(out[i] * out[i] + out[i + 1] * out[i + 1] + out[i + 2] * out[i + 2]) || 1;
      out[i] /= length; out[i + 1] /= length; out[i + 2] /= length;
    }
    return out;
  }

  // Splits the answer of the server into one body for each person.
  function bodies(vertices, faces, people) {
    const size = people.length ? vertices.length / people.length : 0;
    return people.map((person, place) => {
      const own = vertices.subarray(place * size, (place + 1) * size);
      return {person, vertices: own, faces, normals: normals(own, faces), color: COLORS[person % COLORS.length]};
    });
  }

  // Returns the middle of all bodies and the radius of a ball around it.
  function extent(list) {
    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    for (const body of list) for (let i = 0; i < body.vertices.length; i++) {
      low[i % 3] = Math.min(low[i % 3], body.vertices[i]);
      high[i % 3] = Math.max(high[i % 3], body.vertices[i]);
    }
    const middle = low.map((value, k) => (value + high[k]) / 2);
    return {middle, radius: Math.hypot(...low.map((value, k) => high[k] - value)) / 2 || 1};
  }

  // Draws bodies. camera: {fx, fy, cx, cy} in pixels of the canvas; turn: 3x3 rows, about `middle`, which then
  // comes to `place`. Vertices are in metres, x right, y down, z forward.
  function draw(canvas, list, camera, turn, middle, place, alpha) {
    const width = canvas.width, height = canvas.height, context = canvas.getContext("2d");
    const image = context.createImageData(width, height), pixels = image.data;
    const depth = new Float32Array(width * height);  // inverse distance, 0 for nothing
    for (const body of list) {
      const count = body.vertices.length / 3;
      const x = new Float32Array(count), y = new Float32Array(count), w = new Float32Array(count), light = new Float32Array(count);
      const [[r00, r01, r02], [r10, r11, r12], [r20, r21, r22]] = turn;
      for (let i = 0, at = 0; i < count; i++, at += 3) {
        const p0 = body.vertices[at] - middle[0], p1 = body.vertices[at + 1] - middle[1], p2 = body.vertices[at + 2] - middle[2];
        const n0 = body.normals[at], n1 = body.normals[at + 1], n2 = body.normals[at + 2];
        const q0 = r00 * p0 + r01 * p1 + r02 * p2 + place[0], q1 = r10 * p0 + r11 * p1 + r12 * p2 + place[1];
        const q2 = r20 * p0 + r21 * p1 + r22 * p2 + place[2];
        w[i] = q2 > 0.05 ? 1 / q2 : 0;
        x[i] = camera.fx * q0 * w[i] + camera.cx;
        y[i] = camera.fy * q1 * w[i] + camera.cy;
        const m0 = r00 * n0 + r01 * n1 + r02 * n2, m1 = r10 * n0 + r11 * n1 + r12 * n2, m2 = r20 * n0 + r21 * n1 + r22 * n2;
        const facing = -(m0 * q0 + m1 * q1 + m2 * q2) / (Math.sqrt(q0 * q0 + q1 * q1 + q2 * q2) || 1);
        light[i] = 0.3 + 0.62 * Math.max(facing, 0) + 0.14 * Math.max(-m1, 0);
      }
      for (let f = 0; f < body.faces.length; f += 3) {
        triangle(body.faces[f], body.faces[f + 1], body.faces[f + 2], x, y, w, light, body.color);
      }
    }
    context.putImageData(image, 0, 0);

    function triangle(a, b, c, x, y, w, light, color) {
      if (!(w[a] && w[b] && w[c])) return;
      const area = (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a]);
      if (!area) return;
      const left = Math.max(Math.ceil(Math.min(x[a], x[b], x[c]) - 0.5), 0), right = Math.min(Math.floor(Math.max(x[a], x[b], x[c]) - 0.5), width - 1);
      const top = Math.max(Math.ceil(Math.min(y[a], y[b], y[c]) - 0.5), 0), bottom = Math.min(Math.floor(Math.max(y[a], y[b], y[c]) - 0.5), height - 1);
      for (let row = top; row <= bottom; row++) for (let column = left; column <= right; column++) {
        const px = column + 0.5, py = row + 0.5;
        const ub = ((px - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (py - y[a])) / area;
        const uc = ((x[b] - x[a]) * (py - y[a]) - (px - x[a]) * (y[b] - y[a])) / area;
        const ua = 1 - ub - uc;
        if (ua < 0 || ub < 0 || uc < 0) continue;
        const near = ua * w[a] + ub * w[b] + uc * w[c], at = row * width + column;
        if (near <= depth[at]) continue;
        depth[at] = near;
        const shade = ua * light[a] + ub * light[b] + uc * light[c];
        pixels[4 * at] = color[0] * shade; pixels[4 * at + 1] = color[1] * shade; pixels[4 * at + 2] = color[2] * shade;  // clamped by the array
        pixels[4 * at + 3] = alpha;
      }
    }
  }

  // Returns the matrix that turns by `yaw` about the vertical and then by `pitch` about the horizontal [rad].
  function rotation(yaw, pitch) {
    const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    return [[cy, 0, sy], [sp * sy, cp, -sp * cy], [-cp * sy, sp, cp * cy]];
  }

  return {bodies, draw, extent, rotation, still: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], COLORS};
})();
