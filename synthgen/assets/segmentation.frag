#version 330 core
// Fragment stage of synthgen.rasterize: the number of the triangle plus one, as three bytes; black is none.
out vec4 number;

void main()
{
    int id = gl_PrimitiveID + 1;
    number = vec4(vec3(id & 255, (id >> 8) & 255, (id >> 16) & 255) / 255.0, 1.0);
}
