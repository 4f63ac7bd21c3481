#version 330 core
// Vertex stage of synthgen.rasterize: pyrender's uniforms and instance matrix, nothing but the position.
layout(location = 0) in vec3 position;
layout(location = INST_M_LOC) in mat4 instance_to_mesh;

uniform mat4 M;
uniform mat4 V;
uniform mat4 P;

void main()
{
    gl_Position = P * (V * (M * (instance_to_mesh * vec4(position, 1.0))));
}
