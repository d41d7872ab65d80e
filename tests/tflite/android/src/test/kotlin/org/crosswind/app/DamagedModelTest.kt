package org.crosswind.app

import android.view.View
import android.widget.TextView
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.annotation.Config

/** The app with a model of which one byte differs from the published one. */
@RunWith(ScreenTestRunner::class)
@App("target/damaged.apk")
@Config(sdk = [24, 35])
class DamagedModelTest {
    @Test
    fun `the screen says what is wrong, and has no form`() {
        val activity = Robolectric.buildActivity(MainActivity::class.java).setup().get()
        val problem: TextView = activity.findViewById(R.id.problem)
        assertTrue(problem.isShown)
        assertTrue(problem.text.toString(), "cannot be used" in problem.text && Published.sha256 in problem.text)
        assertFalse(activity.findViewById<View>(R.id.form).isShown)
    }
}
