package org.crosswind.app

import android.app.Activity
import android.view.View
import android.widget.TextView
import org.crosswind.app.FormPage.Companion.all
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.annotation.Config

/** The app of a fresh clone: built without the model. */
@RunWith(ScreenTestRunner::class)
@App("target/resources.apk")
@Config(sdk = [24, 35])
class NoModelTest {
    private fun words(activity: Activity): String =
        all(activity.window.decorView).filterIsInstance<TextView>().filter { it.isShown }.joinToString("\n") { it.text }

    @Test
    fun `the screen says how to get one, and has no form`() {
        val activity = Robolectric.buildActivity(MainActivity::class.java).setup().get()
        assertTrue(words(activity), "make android-model" in words(activity))
        assertFalse(activity.findViewById<View>(R.id.form).isShown)
        Robolectric.buildActivity(MainActivity::class.java, activity.intent).setup().recreate()
    }

    @Test
    fun `so does the check of the model`() {
        val activity = Robolectric.buildActivity(DebugActivity::class.java).setup().get()
        assertTrue(words(activity), "make android-model" in words(activity))
    }
}
