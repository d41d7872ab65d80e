package org.crosswind.app

import java.io.File
import java.net.URLClassLoader
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.objectweb.asm.ClassReader
import org.objectweb.asm.ClassVisitor
import org.objectweb.asm.MethodVisitor
import org.objectweb.asm.Opcodes
import org.objectweb.asm.Type

private const val LIBRARY = "org/tensorflow/lite/"

/** The tests run TensorFlow Lite 2.6, the APK has 2.16: what the app calls is in both. */
class ShippedLibraryTest {
    @Test
    fun `every method of TensorFlow Lite that the app calls is in the library that ships`() {
        val classes = File("target/classes").walk().filter { it.extension == "class" }
        val called = classes.flatMap { calls(it.readBytes()) }.toSet()
        assertTrue("$called", called.any { "runSignature" in it } && called.any { "close" in it })
        val jars = listOf("tensorflow-lite", "tensorflow-lite-api").map { File("target/$it.jar").toURI().toURL() }
        URLClassLoader(jars.toTypedArray(), ClassLoader.getPlatformClassLoader()).use { shipped ->
            val has = called.map { it.substringBefore('.') }.toSet().flatMap { methods(shipped, it) }.toSet()
            assertEquals(emptySet<String>(), called - has)
        }
    }

    /** Each as "class.method(descriptor)". */
    private fun calls(bytes: ByteArray): Set<String> {
        val found = mutableSetOf<String>()
        val calls = object : MethodVisitor(Opcodes.ASM9) {
            override fun visitMethodInsn(opcode: Int, owner: String, name: String, descriptor: String, isInterface: Boolean) {
                if (owner.startsWith(LIBRARY)) found += "$owner.$name$descriptor"
            }
        }
        val methods = object : ClassVisitor(Opcodes.ASM9) {
            override fun visitMethod(
                access: Int,
                name: String,
                descriptor: String,
                signature: String?,
                exceptions: Array<String>?,
            ) = calls
        }
        ClassReader(bytes).accept(methods, ClassReader.SKIP_DEBUG)
        return found
    }

    private fun methods(loader: ClassLoader, owner: String): List<String> {
        val shipped = loader.loadClass(owner.replace('/', '.'))
        return shipped.methods.map { "$owner.${it.name}${Type.getMethodDescriptor(it)}" } +
            shipped.constructors.map { "$owner.<init>${Type.getConstructorDescriptor(it)}" }
    }
}
