package org.crosswind.app

import android.graphics.Color
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.annotation.Config

private const val LEAST = 4.5 // https://www.w3.org/TR/WCAG22/#contrast-minimum

/** Text can be read on what it stands on, by day and by night. */
@RunWith(ScreenTestRunner::class)
@App("target/screens.apk")
class ContrastTest {
    @Test
    @Config(sdk = [35])
    fun `by day`() = assertReadable()

    @Test
    @Config(sdk = [35], qualifiers = "night")
    fun `at night`() = assertReadable()

    private fun assertReadable() {
        val activity = Robolectric.buildActivity(MainActivity::class.java).setup().get()
        fun name(id: Int) = activity.resources.getResourceEntryName(id)
        val grounds = listOf(R.color.background, R.color.below_average, R.color.above_average, R.color.yes, R.color.answer)
        val pairs = grounds.map { R.color.text to it } + listOf(
            R.color.text_quiet to R.color.background,
            R.color.problem to R.color.background,
            R.color.primary to R.color.background,
            R.color.on_primary to R.color.primary,
        )
        for ((text, ground) in pairs) {
            val contrast = contrast(activity.getColor(text), activity.getColor(ground))
            assertTrue("${name(text)} on ${name(ground)}: $contrast", contrast >= LEAST)
        }
    }

    private fun contrast(one: Int, other: Int): Double {
        val (darker, lighter) = listOf(Color.luminance(one), Color.luminance(other)).sorted()
        return (lighter + 0.05) / (darker + 0.05)
    }
}
