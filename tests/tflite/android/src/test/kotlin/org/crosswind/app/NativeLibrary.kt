package org.crosswind.app

import java.io.File
import org.junit.runner.notification.RunListener

/**
 * Loads TensorFlow Lite's JNI before any test. On a phone TensorFlow Lite does it itself; DJL's copy of it does not.
 *
 * Surefire makes the listener, so the library belongs to the class loader that Robolectric's sandboxes share.
 */
class NativeLibrary : RunListener() {
    init {
        System.load(File("target/native/lib/libtensorflowlite_jni.so").absolutePath)
    }
}
