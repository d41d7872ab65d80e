package org.crosswind.app

import java.util.Properties
import org.junit.runners.model.FrameworkMethod
import org.robolectric.RobolectricTestRunner
import org.robolectric.internal.bytecode.InstrumentationConfiguration

/** What check.py built for the screens: the app's resources, with the published model among the assets or without. */
annotation class App(val apk: String)

/** Robolectric on the app's compiled resources. */
class ScreenTestRunner(private val tests: Class<*>) : RobolectricTestRunner(tests) {
    /** TensorFlow Lite stays outside of the sandboxes: a native library belongs to one class loader. */
    override fun createClassLoaderConfig(method: FrameworkMethod): InstrumentationConfiguration =
        InstrumentationConfiguration.Builder(super.createClassLoaderConfig(method))
            .doNotAcquirePackage("org.tensorflow.lite")
            .build()

    override fun getBuildSystemApiProperties(): Properties = Properties().apply {
        setProperty("android_merged_manifest", "target/AndroidManifest.xml")
        setProperty("android_resource_apk", tests.getAnnotation(App::class.java).apk)
    }
}
